-- Every admitted event, superseded versions included. The sorting key and the partition key follow from the id, so the
-- same event written twice always meets itself in a merge; the highest offset decides the receipt facts.
CREATE TABLE IF NOT EXISTS nostr_store.events
(
  id FixedString(32) CODEC(NONE),
  pubkey FixedString(32) CODEC(ZSTD),
  created_at UInt64 CODEC(Delta, ZSTD),
  kind UInt16 CODEC(ZSTD),
  d String COMMENT 'd of the address; empty unless the kind is addressable' CODEC(ZSTD),
  owner FixedString(32) COMMENT 'author, or the recipient of a gift wrap: decides the partition of the log' CODEC(ZSTD),
  expiration UInt64 COMMENT 'seconds since the Unix epoch (NIP-40), 0 = none' CODEC(ZSTD),
  tags Array(Array(String)) CODEC(ZSTD),
  content String CODEC(ZSTD(3)),
  sig FixedString(64) CODEC(NONE),
  received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  source LowCardinality(String),
  edge LowCardinality(String),
  log_partition UInt32 CODEC(ZSTD),
  log_offset UInt64 CODEC(Delta, ZSTD),
  appended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  INDEX id_bloom id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX pubkey_bloom pubkey TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(log_offset)
-- created_at is the author's claim: years outside 2020–2040 share the first and the last partition.
PARTITION BY least(greatest(intDiv(created_at, 31556952) + 1970, 2020), 2040)
ORDER BY (kind, pubkey, created_at, id)
SETTINGS index_granularity = 128, min_compress_block_size = 8192, max_compress_block_size = 32768, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;
