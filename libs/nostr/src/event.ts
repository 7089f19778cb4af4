/**
 * An event as NIP-01 defines it. `id`, `pubkey` and `sig` are lowercase hex (64, 64 and 128 characters),
 * `created_at` is in seconds since the Unix epoch, `kind` is 0–65535.
 */
export interface NostrEvent {
  readonly id: string
  readonly pubkey: string
  readonly created_at: number
  readonly kind: number
  readonly tags: readonly (readonly string[])[]
  readonly content: string
  readonly sig: string
}

/** How an event came in. Receipt facts belong to no digest: the same event received twice is the same event. */
export interface Receipt {
  /** When the edge or importer took it in, milliseconds since the Unix epoch. */
  readonly receivedAtMs: number
  readonly source: 'client' | 'import' | 'mirror'
  /** The id of the edge or tool that took it in. */
  readonly edge: string
}

/** What the log holds for one event. */
export interface Envelope {
  readonly event: NostrEvent
  readonly receipt: Receipt
}
