const KIB = 1024
const MIB = 1024 * KIB

/**
 * The sizes that must agree from the socket to the broker's disk. A frame the relay accepts always fits a Kafka
 * record: the Avro body of an event is never larger than its JSON frame (hex halves, separators shrink), and the
 * envelope and headers fit the head-room.
 */
export const LIMITS = {
  /** Largest WebSocket frame and largest event as JSON, bytes. */
  frameBytesMax: 512 * KIB,
  /** Room a record needs beyond the JSON bytes of its event: envelope fields and Kafka headers, bytes. */
  recordOverheadBytesMax: 8 * KIB,
  /** Largest total of record bytes in one produce request: below max.message.bytes, which bounds a record batch. */
  produceBatchBytesMax: 1 * MIB,
  /** max.message.bytes of nostr.events, nostr.ephemeral, nostr.tombstones and relay.settings. */
  kafkaMessageBytesMax: 2 * MIB,
  /** max.message.bytes of the dead letters, which wrap a whole refused record. */
  deadLetterMessageBytesMax: 4 * MIB,
  tagsPerEventMax: 5_000,
  filtersPerReqMax: 20,
  /** Entries per list of a filter (ids, authors, kinds, one tag). */
  filterListEntriesMax: 5_000,
  subscriptionsPerConnectionMax: 300,
  subscriptionIdCharactersMax: 64,
  /** Largest `limit` of a filter; a larger one is clamped silently. */
  filterLimitMax: 5_000,
  /** `limit` of a filter that names none. */
  filterLimitDefault: 500,
} as const
