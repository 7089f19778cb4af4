import {
  AUTHORS,
  arbitraryEvent,
  arbitraryTombstone,
  type NaiveTombstone,
  type SignedEvent,
} from '@millrace/testkit'
import * as fc from 'fast-check'

/** What storage hands to the sink: events with redeliveries, cut into batches, and erasures somewhere in between. */
export interface Log {
  readonly events: readonly SignedEvent[]
  readonly tombstones: readonly NaiveTombstone[]
  /** Ends of batches, indices into events. */
  readonly cuts: readonly number[]
  /** The batch before which the tombstones come. */
  readonly tombstonesBefore: number
}

/** Few kinds and authors, so that versions, ties and erasures meet; kinds 3 for their tags, one private, 5 and 62. */
const KINDS = [0, 0, 3, 3, 1, 4, 5, 62, 1059, 10002, 30023, 30023, 45, 40000]

const addressed = (event: SignedEvent): SignedEvent =>
  event.kind === 1059 ? { ...event, tags: [...event.tags, ['p', AUTHORS[0] ?? '']] } : event

export const arbitraryLog = ({ eventsMax = 14, tombstonesMax = 5 } = {}): fc.Arbitrary<Log> =>
  fc
    .array(arbitraryEvent({ kinds: KINDS }).map(addressed), { minLength: 1, maxLength: eventsMax })
    .chain((events) =>
      fc.record({
        events: fc.shuffledSubarray([...events, ...events.slice(0, 4)], { minLength: events.length }),
        tombstones: fc.array(arbitraryTombstone(events), { maxLength: tombstonesMax }),
        cuts: fc.array(fc.nat(events.length), { maxLength: 3 }).map((cuts) => cuts.toSorted((a, b) => a - b)),
        tombstonesBefore: fc.nat(4),
      }),
    )

/** The batches that the cuts make. */
export const batchesOf = <T>(items: readonly T[], cuts: readonly number[]): T[][] =>
  [...cuts, items.length].map((end, index) => items.slice(cuts[index - 1] ?? 0, end))
