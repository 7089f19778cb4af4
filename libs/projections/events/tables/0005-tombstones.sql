-- Erasures of single events. They take effect only on events of that author (DESIGN 2.6); those asked for by a kind 5
-- never reach kinds 5 and 62 (NIP-09, NIP-62), those for another reason do.
CREATE TABLE IF NOT EXISTS nostr_store.tombstone_events
(
  event_id FixedString(32),
  author FixedString(32),
  is_request UInt8 COMMENT '1: by a kind 5; 0: expiration or an administrative act',
  reason LowCardinality(String),
  request_id FixedString(32),
  recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY (event_id, author, is_request)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

-- The floor of each address: versions with a lower created_at, or the same and an id not below floor_id, are gone. An
-- erasure by address covers every id of its second: floor_id of 32 zero bytes.
CREATE TABLE IF NOT EXISTS nostr_store.tombstone_addresses
(
  kind UInt16,
  pubkey FixedString(32),
  d String,
  floor_created_at UInt64,
  floor_id FixedString(32),
  reason LowCardinality(String),
  request_id FixedString(32),
  recorded_at DateTime64(3, 'UTC'),
  bound UInt256 MATERIALIZED bitShiftLeft(toUInt256(floor_created_at), 192)
    + bitShiftRight(bitNot(reinterpretAsUInt256(reverse(floor_id))), 64)
)
ENGINE = ReplacingMergeTree(bound)
ORDER BY (kind, pubkey, d)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;

-- Requests to vanish (NIP-62): everything that the key owns up to until_s is gone, its kind 62 excepted.
CREATE TABLE IF NOT EXISTS nostr_store.tombstone_pubkeys
(
  pubkey FixedString(32),
  until_s UInt64,
  reason LowCardinality(String),
  request_id FixedString(32),
  recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(until_s)
ORDER BY pubkey
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 0;
