-- nostr_store holds the physical tables, nostr what people query.
CREATE DATABASE IF NOT EXISTS nostr_store;
CREATE DATABASE IF NOT EXISTS nostr;

-- How far each sink has durably applied each partition (DESIGN 2.9). The highest next_offset wins at every moment, so a
-- late writer never moves a watermark back.
CREATE TABLE IF NOT EXISTS nostr_store.watermarks
(
  sink LowCardinality(String),
  topic LowCardinality(String),
  log_id UUID,
  partition UInt32,
  next_offset UInt64,
  appended_at DateTime64(3, 'UTC') COMMENT 'LogAppendTime of the last record below next_offset',
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (sink, topic, log_id, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

CREATE OR REPLACE VIEW nostr.watermarks DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT sink, topic, log_id, partition, next_offset, appended_at, applied_at
FROM nostr_store.watermarks FINAL;
