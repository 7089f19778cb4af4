-- The distinct single-letter tags of every event with their first value, newest last: the way from `#e` and its like to
-- the primary key of events. Superseded versions are in here too; the view shows kind 3 in its current version only.
CREATE TABLE IF NOT EXISTS nostr_store.event_tags
(
  tag FixedString(1) CODEC(ZSTD),
  value String CODEC(ZSTD),
  created_at UInt64 CODEC(Delta, ZSTD),
  id FixedString(32) CODEC(ZSTD),
  kind UInt16 CODEC(ZSTD),
  pubkey FixedString(32) CODEC(ZSTD),
  d String CODEC(ZSTD),
  expiration UInt64 CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (tag, value, created_at, id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS nostr_store.event_tags_of_events TO nostr_store.event_tags AS
SELECT pair.1 AS tag, pair.2 AS value, created_at, id, kind, pubkey, d, expiration
FROM nostr_store.events
ARRAY JOIN arrayDistinct(arrayMap(t -> (t[1], t[2]), arrayFilter(t -> length(t) > 1 AND match(t[1], '^[a-zA-Z]\\z'), tags))) AS pair;
