-- The way from `since`, `until` and "newest first" to the primary key of events, for filters that name no author.
CREATE TABLE IF NOT EXISTS nostr_store.event_times
(
  created_at UInt64 CODEC(Delta, ZSTD),
  id FixedString(32) CODEC(NONE),
  kind UInt16 CODEC(ZSTD),
  pubkey FixedString(32) CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (created_at, id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS nostr_store.event_times_of_events TO nostr_store.event_times AS
SELECT created_at, id, kind, pubkey FROM nostr_store.events;
