import type { NostrEvent } from '@millrace/nostr'
import type { ServedEvent } from './event-reader.ts'

/** A row as an event. Its JSON is parsed only when something asks for more than the row's own columns. */
export class RowEvent implements NostrEvent {
  readonly #row: ServedEvent
  #parsed: NostrEvent | null = null

  constructor(row: ServedEvent) {
    this.#row = row
  }

  get id(): string {
    return this.#row.id
  }

  get pubkey(): string {
    return this.#row.pubkey
  }

  get created_at(): number {
    return this.#row.createdAt
  }

  get kind(): number {
    return this.#row.kind
  }

  get tags(): NostrEvent['tags'] {
    return this.#parse().tags
  }

  get content(): string {
    return this.#parse().content
  }

  get sig(): string {
    return this.#parse().sig
  }

  #parse(): NostrEvent {
    this.#parsed ??= JSON.parse(this.#row.json) as NostrEvent
    return this.#parsed
  }
}
