-- Runs with the rights of millrace_views, which takes no setting from the asker (infra/clickhouse): a setting that carries a
-- subquery (additional_table_filters) would be evaluated with the definer's rights.
CREATE OR REPLACE VIEW nostr.watermarks DEFINER = millrace_views SQL SECURITY DEFINER AS
SELECT sink, topic, log_id, partition, next_offset, appended_at, applied_at
FROM nostr_store.watermarks FINAL;
