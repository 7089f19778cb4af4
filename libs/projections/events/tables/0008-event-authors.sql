-- The way from an author to the newest keys: what a feed or a profile's page asks. Narrow, so that a read by author touches
-- a few small columns. Superseded versions are in here too; readers ask winners about them.
CREATE TABLE IF NOT EXISTS nostr_store.event_authors
(
  pubkey FixedString(32) CODEC(ZSTD),
  created_at UInt64 CODEC(Delta, ZSTD),
  id FixedString(32) CODEC(NONE),
  kind UInt16 CODEC(ZSTD),
  d String CODEC(ZSTD),
  expiration UInt64 CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (pubkey, created_at, id)
SETTINGS index_granularity = 256, min_compress_block_size = 8192, max_compress_block_size = 32768, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS nostr_store.event_authors_of_events TO nostr_store.event_authors AS
SELECT pubkey, created_at, id, kind, d, expiration FROM nostr_store.events;

-- What was stored before this table was.
INSERT INTO nostr_store.event_authors (pubkey, created_at, id, kind, d, expiration)
SELECT pubkey, created_at, id, kind, d, expiration FROM nostr_store.events;
