-- Versions with an expiration (NIP-40): when one has expired, nothing at or below it is shown any more (DESIGN 2.5), also
-- after a newer version came and the winners' table has forgotten it.
CREATE TABLE IF NOT EXISTS nostr_store.expiring_versions
(
  kind UInt16 CODEC(ZSTD),
  pubkey FixedString(32) CODEC(ZSTD),
  d String CODEC(ZSTD),
  created_at UInt64 CODEC(Delta, ZSTD),
  id FixedString(32) CODEC(NONE),
  expiration UInt64 CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (kind, pubkey, d, created_at, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS nostr_store.expiring_versions_of_events TO nostr_store.expiring_versions AS
SELECT kind, pubkey, d, created_at, id, expiration FROM nostr_store.events
WHERE expiration != 0 AND (kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999);

-- What was stored before this table was.
INSERT INTO nostr_store.expiring_versions (kind, pubkey, d, created_at, id, expiration)
SELECT kind, pubkey, d, created_at, id, expiration FROM nostr_store.events
WHERE expiration != 0 AND (kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999);
