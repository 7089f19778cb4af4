-- As before, but only the tombstones of expired versions are looked at: a set of all of them costs every query.
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
    AND (id, pubkey) NOT IN (
      SELECT event_id, author FROM nostr_store.tombstone_events
      WHERE event_id IN (SELECT id FROM nostr_store.expiring_versions WHERE expiration <= toUnixTimestamp(now())))
)
GROUP BY address;
