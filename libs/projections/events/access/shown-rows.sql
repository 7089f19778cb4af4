-- Which rows of events, event_tags and winners the views of database nostr may read: the row policy of their definer,
-- millrace_views. A policy is the one place that ClickHouse applies before any condition or setting of the asker, so what it
-- leaves out cannot be reached through an error message, a condition that throws, or another order of the plan.
kind NOT IN (4, 13, 14, 15, 1059, 21059)
AND (expiration = 0 OR expiration > toUnixTimestamp(now()))
-- A kind 5 never reaches kinds 5 and 62 (NIP-09, NIP-62); other reasons do.
AND (id, pubkey, kind IN (5, 62)) NOT IN (
  SELECT event_id, author, arrayJoin(if(is_request = 1, [0], [0, 1])) FROM nostr_store.tombstone_events)
AND (kind = 62 OR created_at >= transform(
  toString(pubkey),
  (SELECT (groupArray(owner), groupArray(above_s)) FROM nostr_store.vanished_keys).1,
  (SELECT (groupArray(owner), groupArray(above_s)) FROM nostr_store.vanished_keys).2,
  toUInt64(0)))
AND (NOT (kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 OR kind BETWEEN 30000 AND 39999)
  OR concat(reverse(reinterpretAsFixedString(created_at)), bitNot(id)) > transform(
    toString(SHA256(concat(toString(kind), ':', pubkey, d))),
    (SELECT (groupArray(address), groupArray(bound)) FROM nostr_store.address_floors).1,
    (SELECT (groupArray(address), groupArray(bound)) FROM nostr_store.address_floors).2,
    ''))
