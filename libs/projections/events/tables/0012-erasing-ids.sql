-- Ids whose rows are being deleted from every table, by who deletes them. They stay until all tables are through, so that an
-- erasure that was cut off is gone on with.
CREATE TABLE IF NOT EXISTS nostr_store.erasing_ids
(
  eraser LowCardinality(String),
  id FixedString(32) CODEC(NONE),
  since DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(since)
ORDER BY (eraser, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;
