-- What people query (docs/sql.md). Private kinds are not in here (DESIGN 2.7). id_bytes and pubkey_bytes use the indices.
CREATE OR REPLACE VIEW nostr.events DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at,
  toDateTime(least(e.created_at, 4294967295), 'UTC') AS created_time, e.kind AS kind, e.d AS d, e.tags AS tags,
  e.content AS content, lower(hex(e.sig)) AS sig, e.expiration AS expiration, e.received_at AS received_at,
  e.source AS source, e.edge AS edge, e.log_partition AS log_partition, e.log_offset AS log_offset,
  e.appended_at AS appended_at, e.id AS id_bytes, e.pubkey AS pubkey_bytes
FROM nostr_store.events_alive AS e
WHERE e.kind NOT IN (4, 13, 14, 15, 1059, 21059) AND (e.expiration = 0 OR e.expiration > toUnixTimestamp(now()));

CREATE OR REPLACE VIEW nostr.events_current DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at,
  toDateTime(least(e.created_at, 4294967295), 'UTC') AS created_time, e.kind AS kind, e.d AS d, e.tags AS tags,
  e.content AS content, lower(hex(e.sig)) AS sig, e.expiration AS expiration, e.received_at AS received_at,
  e.source AS source, e.edge AS edge, e.log_partition AS log_partition, e.log_offset AS log_offset,
  e.appended_at AS appended_at, e.id AS id_bytes, e.pubkey AS pubkey_bytes
FROM nostr_store.events_alive AS e
WHERE e.kind NOT IN (4, 13, 14, 15, 1059, 21059) AND (e.expiration = 0 OR e.expiration > toUnixTimestamp(now()))
  AND NOT (e.kind IN (0, 3) OR e.kind BETWEEN 10000 AND 19999 OR e.kind BETWEEN 30000 AND 39999)
UNION ALL
SELECT lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at,
  toDateTime(least(e.created_at, 4294967295), 'UTC') AS created_time, e.kind AS kind, e.d AS d, e.tags AS tags,
  e.content AS content, lower(hex(e.sig)) AS sig, e.expiration AS expiration, e.received_at AS received_at,
  e.source AS source, e.edge AS edge, e.log_partition AS log_partition, e.log_offset AS log_offset,
  e.appended_at AS appended_at, e.id AS id_bytes, e.pubkey AS pubkey_bytes
FROM nostr_store.versions_current AS e
WHERE e.kind NOT IN (4, 13, 14, 15, 1059, 21059) AND (e.expiration = 0 OR e.expiration > toUnixTimestamp(now()));

-- A kind 3 counts in its current version only.
CREATE OR REPLACE VIEW nostr.event_tags DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT t.tag AS tag, t.value AS value, lower(hex(t.id)) AS id, lower(hex(t.pubkey)) AS pubkey, t.kind AS kind,
  t.created_at AS created_at, toDateTime(least(t.created_at, 4294967295), 'UTC') AS created_time, t.id AS id_bytes,
  t.pubkey AS pubkey_bytes
FROM nostr_store.event_tags_alive AS t
WHERE t.kind NOT IN (4, 13, 14, 15, 1059, 21059) AND (t.expiration = 0 OR t.expiration > toUnixTimestamp(now()))
  AND (t.kind != 3 OR t.id IN (SELECT id FROM nostr_store.versions_current WHERE kind = 3));
