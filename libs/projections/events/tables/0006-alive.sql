-- What is not erased: tombstones and floors applied at the moment of the query, so that no order of arrival and no merge
-- changes the answer. Each event once, private kinds and expired events included; the views for people are made of these.
-- A bound is one second above what it covers, and 0 where there is none, whatever join_use_nulls says.
CREATE OR REPLACE VIEW nostr_store.events_alive AS
SELECT e.id AS id, e.pubkey AS pubkey, e.created_at AS created_at, e.kind AS kind, e.d AS d,
  e.expiration AS expiration, e.tags AS tags, e.content AS content, e.sig AS sig,
  e.received_at AS received_at, e.source AS source, e.edge AS edge, e.log_partition AS log_partition,
  e.log_offset AS log_offset, e.appended_at AS appended_at
FROM nostr_store.events AS e FINAL
LEFT JOIN
(
  SELECT kind, pubkey, d, floor_created_at + 1 AS above_s, floor_id FROM nostr_store.tombstone_addresses FINAL
) AS floor ON floor.kind = e.kind AND floor.pubkey = e.pubkey AND floor.d = e.d
LEFT JOIN
(
  SELECT pubkey, until_s + 1 AS above_s FROM nostr_store.tombstone_pubkeys FINAL
) AS vanished ON vanished.pubkey = e.pubkey
WHERE (e.created_at >= ifNull(floor.above_s, 0)
    OR (e.created_at + 1 = floor.above_s AND e.id < floor.floor_id))
  AND (e.kind = 62 OR e.created_at >= ifNull(vanished.above_s, 0))
  AND (e.id, e.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 0)
  AND (e.kind IN (5, 62)
    OR (e.id, e.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 1));

CREATE OR REPLACE VIEW nostr_store.winners_alive AS
SELECT w.id AS id, w.pubkey AS pubkey, w.created_at AS created_at, w.kind AS kind, w.d AS d,
  w.expiration AS expiration, w.tags AS tags, w.content AS content, w.sig AS sig,
  w.received_at AS received_at, w.source AS source, w.edge AS edge, w.log_partition AS log_partition,
  w.log_offset AS log_offset, w.appended_at AS appended_at
FROM nostr_store.winners AS w FINAL
LEFT JOIN
(
  SELECT kind, pubkey, d, floor_created_at + 1 AS above_s, floor_id FROM nostr_store.tombstone_addresses FINAL
) AS floor ON floor.kind = w.kind AND floor.pubkey = w.pubkey AND floor.d = w.d
LEFT JOIN
(
  SELECT pubkey, until_s + 1 AS above_s FROM nostr_store.tombstone_pubkeys FINAL
) AS vanished ON vanished.pubkey = w.pubkey
WHERE (w.created_at >= ifNull(floor.above_s, 0)
    OR (w.created_at + 1 = floor.above_s AND w.id < floor.floor_id))
  AND (w.kind = 62 OR w.created_at >= ifNull(vanished.above_s, 0))
  AND (w.id, w.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 0)
  AND (w.kind IN (5, 62)
    OR (w.id, w.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 1));

CREATE OR REPLACE VIEW nostr_store.event_tags_alive AS
SELECT t.tag AS tag, t.value AS value, t.created_at AS created_at, t.id AS id, t.kind AS kind,
  t.pubkey AS pubkey, t.d AS d, t.expiration AS expiration
FROM nostr_store.event_tags AS t FINAL
LEFT JOIN
(
  SELECT kind, pubkey, d, floor_created_at + 1 AS above_s, floor_id FROM nostr_store.tombstone_addresses FINAL
) AS floor ON floor.kind = t.kind AND floor.pubkey = t.pubkey AND floor.d = t.d
LEFT JOIN
(
  SELECT pubkey, until_s + 1 AS above_s FROM nostr_store.tombstone_pubkeys FINAL
) AS vanished ON vanished.pubkey = t.pubkey
WHERE (t.created_at >= ifNull(floor.above_s, 0)
    OR (t.created_at + 1 = floor.above_s AND t.id < floor.floor_id))
  AND (t.kind = 62 OR t.created_at >= ifNull(vanished.above_s, 0))
  AND (t.id, t.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 0)
  AND (t.kind IN (5, 62)
    OR (t.id, t.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 1));

-- Rows of winners that are erased, superseded ones too: whether there is another version is the asker's question.
CREATE OR REPLACE VIEW nostr_store.winners_erased AS
SELECT w.id AS id, w.kind AS kind, w.pubkey AS pubkey, w.d AS d
FROM nostr_store.winners AS w
LEFT JOIN
(
  SELECT kind, pubkey, d, floor_created_at + 1 AS above_s, floor_id FROM nostr_store.tombstone_addresses FINAL
) AS floor ON floor.kind = w.kind AND floor.pubkey = w.pubkey AND floor.d = w.d
LEFT JOIN
(
  SELECT pubkey, until_s + 1 AS above_s FROM nostr_store.tombstone_pubkeys FINAL
) AS vanished ON vanished.pubkey = w.pubkey
WHERE NOT ((w.created_at >= ifNull(floor.above_s, 0)
    OR (w.created_at + 1 = floor.above_s AND w.id < floor.floor_id))
  AND (w.kind = 62 OR w.created_at >= ifNull(vanished.above_s, 0))
  AND (w.id, w.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 0)
  AND (w.kind IN (5, 62)
    OR (w.id, w.pubkey) NOT IN (SELECT event_id, author FROM nostr_store.tombstone_events WHERE is_request = 1)));

-- The current version of every address. An address under repair is answered from all its versions; an expired winner
-- still hides the versions before it, so expiry is left to the caller.
CREATE OR REPLACE VIEW nostr_store.versions_current AS
SELECT id, pubkey, created_at, kind, d, expiration, tags, content, sig, received_at, source, edge,
  log_partition, log_offset, appended_at
FROM nostr_store.winners_alive
WHERE (kind, pubkey, d) NOT IN (SELECT kind, pubkey, d FROM nostr_store.winner_repairs FINAL WHERE is_settled = 0)
UNION ALL
SELECT id, pubkey, created_at, kind, d, expiration, tags, content, sig, received_at, source, edge,
  log_partition, log_offset, appended_at
FROM nostr_store.events_alive
WHERE (kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999)
  AND (kind, pubkey, d) IN (SELECT kind, pubkey, d FROM nostr_store.winner_repairs FINAL WHERE is_settled = 0)
ORDER BY created_at DESC, id ASC
LIMIT 1 BY kind, pubkey, d;
