/** Tables with a row, or several, of an event; each has its id. The source of the others comes last, so that a cut-off erasure finds it. */
export const EVENT_TABLES = [
  'event_tags',
  'event_times',
  'event_authors',
  'expiring_versions',
  'winners',
  'events',
] as const

/** Tables that hold ids, keys and addresses of what is gone, and watermarks: what a tombstone says itself. */
export const TABLES_WITHOUT_EVENTS = [
  'tombstone_events',
  'tombstone_addresses',
  'tombstone_pubkeys',
  'winner_repairs',
  'erasing_ids',
  'watermarks',
  'migrations',
] as const
