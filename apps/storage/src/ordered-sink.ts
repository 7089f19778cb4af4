import { ok, type Result } from '@millrace/kernel'
import type { Envelope, Tombstone, TombstoneSet } from '@millrace/nostr'
import { type Positioned, type Sink, Turns } from '@millrace/pipeline'
import type { EventsSink } from '@millrace/projection-events'

/**
 * Events and tombstones take turns at the store, and each batch of events is held against the tombstones once more in its
 * turn. So an event that was read before its tombstone is either in the store when the tombstone is applied, or left out.
 */
export class OrderedSink implements Sink<Envelope> {
  readonly name: string
  readonly writeSpan: string
  readonly #sink: EventsSink
  readonly #tombstones: () => TombstoneSet
  readonly #turns = new Turns()

  constructor(sink: EventsSink, tombstones: () => TombstoneSet) {
    this.name = sink.name
    this.writeSpan = sink.writeSpan
    this.#sink = sink
    this.#tombstones = tombstones
  }

  apply(records: readonly Positioned<Envelope>[]): Promise<Result<void>> {
    return this.#turns.take(async () => {
      const tombstones = this.#tombstones()
      const left = records.filter(
        ({ value: { event } }) => !tombstones.covers(event) && !tombstones.isBelowFloor(event),
      )
      return left.length === 0 ? ok(undefined) : this.#sink.apply(left)
    })
  }

  applyTombstones(tombstones: readonly Tombstone[]): Promise<Result<void>> {
    return this.#turns.take(() => this.#sink.applyTombstones(tombstones))
  }
}
