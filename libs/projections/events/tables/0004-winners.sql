-- The current version of every address (replaceable and addressable kinds), as a full copy. The version orders by
-- created_at and then by the lowest id (NIP-01), whatever the order of arrival: created_at in the upper 64 bits, the
-- complement of the id's first 192 bits below.
CREATE TABLE IF NOT EXISTS nostr_store.winners
(
  id FixedString(32) CODEC(NONE),
  pubkey FixedString(32) CODEC(ZSTD),
  created_at UInt64 CODEC(ZSTD),
  kind UInt16 CODEC(ZSTD),
  d String CODEC(ZSTD),
  expiration UInt64 CODEC(ZSTD),
  tags Array(Array(String)) CODEC(ZSTD),
  content String CODEC(ZSTD(3)),
  sig FixedString(64) CODEC(NONE),
  received_at DateTime64(3, 'UTC') CODEC(ZSTD),
  source LowCardinality(String),
  edge LowCardinality(String),
  log_partition UInt32 CODEC(ZSTD),
  log_offset UInt64 CODEC(ZSTD),
  appended_at DateTime64(3, 'UTC') CODEC(ZSTD),
  version UInt256 MATERIALIZED bitShiftLeft(toUInt256(created_at), 192)
    + bitShiftRight(bitNot(reinterpretAsUInt256(reverse(id))), 64) CODEC(ZSTD),
  INDEX id_bloom id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX pubkey_bloom pubkey TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (kind, pubkey, d)
SETTINGS index_granularity = 128, min_compress_block_size = 8192, max_compress_block_size = 32768, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS nostr_store.winners_of_events TO nostr_store.winners AS
SELECT id, pubkey, created_at, kind, d, expiration, tags, content, sig, received_at, source, edge,
  log_partition, log_offset, appended_at
FROM nostr_store.events
WHERE kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999;

-- Addresses whose winner was erased and whose successor is being looked for: marked before the tombstones are written,
-- settled after the repair. Until then the views take these addresses from events. The highest mark wins.
CREATE TABLE IF NOT EXISTS nostr_store.winner_repairs
(
  kind UInt16,
  pubkey FixedString(32),
  d String,
  mark UInt64 COMMENT 'a sequence; even: under repair, odd: settled',
  is_settled UInt8 MATERIALIZED mark % 2
)
ENGINE = ReplacingMergeTree(mark)
ORDER BY (kind, pubkey, d)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;
