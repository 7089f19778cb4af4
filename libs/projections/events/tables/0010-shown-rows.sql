-- The floor of every address that has one: what a deletion left and what expired. A version is shown if it is above:
-- created_at, then the complement of the id, as bytes that compare like the versions do. The address is a digest, so that a
-- long `d` costs no memory. Read by the row policies (access/shown-rows.sql).
CREATE OR REPLACE VIEW nostr_store.address_floors AS
SELECT toString(SHA256(concat(toString(kind), ':', pubkey, d))) AS address,
  max(concat(reverse(reinterpretAsFixedString(floor_s)), bitNot(floor_id))) AS bound
FROM
(
  SELECT kind, pubkey, d, floor_created_at AS floor_s, floor_id FROM nostr_store.tombstone_addresses
  UNION ALL
  SELECT kind, pubkey, d, created_at AS floor_s, id AS floor_id FROM nostr_store.expiring_versions
  -- An erased version never was the winner.
  WHERE expiration <= toUnixTimestamp(now())
    AND (id, pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events)
)
GROUP BY address;

-- The second from which the events of a vanished key are shown again. Likewise.
CREATE OR REPLACE VIEW nostr_store.vanished_keys AS
SELECT toString(pubkey) AS owner, max(until_s) + 1 AS above_s FROM nostr_store.tombstone_pubkeys GROUP BY owner;

-- Every admitted event that is neither erased nor at or below a floor, private and expired ones included: what an export of
-- all versions takes. An older version would come back where its expired successor is not imported.
CREATE OR REPLACE VIEW nostr_store.events_above_floors AS
SELECT id, pubkey, created_at, kind, d, expiration, tags, content, sig, received_at, source, edge,
  log_partition, log_offset, appended_at
FROM nostr_store.events_alive
WHERE NOT (kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999)
  OR concat(reverse(reinterpretAsFixedString(created_at)), bitNot(id)) > transform(
    toString(SHA256(concat(toString(kind), ':', pubkey, d))),
    (SELECT (groupArray(address), groupArray(bound)) FROM nostr_store.address_floors).1,
    (SELECT (groupArray(address), groupArray(bound)) FROM nostr_store.address_floors).2,
    '');

-- The current version of every address, for a reader whose row policies leave out what is erased or expired. An address
-- under repair is answered from all its versions.
CREATE OR REPLACE VIEW nostr_store.versions_shown AS
SELECT id, pubkey, created_at, kind, d, expiration, tags, content, sig, received_at, source, edge,
  log_partition, log_offset, appended_at
FROM nostr_store.winners FINAL
WHERE (kind, pubkey, d) NOT IN (SELECT kind, pubkey, d FROM nostr_store.winner_repairs FINAL WHERE is_settled = 0)
UNION ALL
SELECT id, pubkey, created_at, kind, d, expiration, tags, content, sig, received_at, source, edge,
  log_partition, log_offset, appended_at
FROM nostr_store.events FINAL
WHERE (kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999)
  AND (kind, pubkey, d) IN (SELECT kind, pubkey, d FROM nostr_store.winner_repairs FINAL WHERE is_settled = 0)
ORDER BY created_at DESC, id ASC
LIMIT 1 BY kind, pubkey, d;

-- What people query (docs/sql.md). These views run with the rights of millrace_views, whose row policies leave out private
-- kinds and everything erased or expired, and whose profile takes no setting from the asker (infra/clickhouse).
CREATE OR REPLACE VIEW nostr.events DEFINER = millrace_views SQL SECURITY DEFINER AS
SELECT lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at,
  toDateTime(least(e.created_at, 4294967295), 'UTC') AS created_time, e.kind AS kind, e.d AS d, e.tags AS tags,
  e.content AS content, lower(hex(e.sig)) AS sig, e.expiration AS expiration, e.received_at AS received_at,
  e.source AS source, e.edge AS edge, e.log_partition AS log_partition, e.log_offset AS log_offset,
  e.appended_at AS appended_at, e.id AS id_bytes, e.pubkey AS pubkey_bytes
FROM nostr_store.events AS e FINAL;

CREATE OR REPLACE VIEW nostr.events_current DEFINER = millrace_views SQL SECURITY DEFINER AS
SELECT lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at,
  toDateTime(least(e.created_at, 4294967295), 'UTC') AS created_time, e.kind AS kind, e.d AS d, e.tags AS tags,
  e.content AS content, lower(hex(e.sig)) AS sig, e.expiration AS expiration, e.received_at AS received_at,
  e.source AS source, e.edge AS edge, e.log_partition AS log_partition, e.log_offset AS log_offset,
  e.appended_at AS appended_at, e.id AS id_bytes, e.pubkey AS pubkey_bytes
FROM nostr_store.events AS e FINAL
WHERE NOT (e.kind IN (0, 3) OR e.kind BETWEEN 10000 AND 19999 OR e.kind BETWEEN 30000 AND 39999)
UNION ALL
SELECT lower(hex(e.id)) AS id, lower(hex(e.pubkey)) AS pubkey, e.created_at AS created_at,
  toDateTime(least(e.created_at, 4294967295), 'UTC') AS created_time, e.kind AS kind, e.d AS d, e.tags AS tags,
  e.content AS content, lower(hex(e.sig)) AS sig, e.expiration AS expiration, e.received_at AS received_at,
  e.source AS source, e.edge AS edge, e.log_partition AS log_partition, e.log_offset AS log_offset,
  e.appended_at AS appended_at, e.id AS id_bytes, e.pubkey AS pubkey_bytes
FROM nostr_store.versions_shown AS e;

-- A kind 3 counts in its current version only.
CREATE OR REPLACE VIEW nostr.event_tags DEFINER = millrace_views SQL SECURITY DEFINER AS
SELECT t.tag AS tag, t.value AS value, lower(hex(t.id)) AS id, lower(hex(t.pubkey)) AS pubkey, t.kind AS kind,
  t.created_at AS created_at, toDateTime(least(t.created_at, 4294967295), 'UTC') AS created_time, t.id AS id_bytes,
  t.pubkey AS pubkey_bytes
FROM nostr_store.event_tags AS t FINAL
WHERE t.kind != 3 OR t.id IN (SELECT id FROM nostr_store.versions_shown WHERE kind = 3);

-- Nobody reads it any more; the other *_alive views serve repairs and exports.
DROP VIEW IF EXISTS nostr_store.event_tags_alive;

-- Whoever may write events fills the tables beside them, whoever made the views and whatever became of that user.
ALTER TABLE nostr_store.event_tags_of_events MODIFY SQL SECURITY NONE;
ALTER TABLE nostr_store.event_times_of_events MODIFY SQL SECURITY NONE;
ALTER TABLE nostr_store.winners_of_events MODIFY SQL SECURITY NONE;
ALTER TABLE nostr_store.event_authors_of_events MODIFY SQL SECURITY NONE;
ALTER TABLE nostr_store.expiring_versions_of_events MODIFY SQL SECURITY NONE;
