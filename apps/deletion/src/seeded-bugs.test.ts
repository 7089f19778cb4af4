import { decodeTombstone, encodeTombstone } from '@millrace/codec'
import type { OutgoingRecord } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { type NostrEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'
import type { SignedEvent } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { CASES_PER_WORLD, checkWorld } from './testing/check-world.ts'
import type { Bug } from './testing/deletion-world.ts'
import { PARTITIONS, RELAY_URL } from './testing/histories.ts'

// The property is worth what it catches: a bug in each rule.

const WORLDS_MAX = 60

/** The set that all rules go through, with one rule broken. */
const withSet = (make: () => TombstoneSet): Bug => ({ tombstones: make })

/** Tombstones or nulls that are not appended as decided. */
const withRecords = (change: (record: OutgoingRecord) => OutgoingRecord): Bug => ({
  producer: ({ append }) => ({ append: (record) => append(change(record)) }),
})

const changed = (change: (tombstone: Tombstone) => Tombstone): Bug =>
  withRecords((record) => {
    if (record.topic !== TOPICS.tombstones || record.value === null) return record
    return { ...record, value: encodeTombstone(change(unwrap(decodeTombstone(record.value)))) }
  })

class Shorter extends TombstoneSet {
  override apply(tombstone: Tombstone): void {
    const { target } = tombstone
    super.apply(
      target.type === 'event'
        ? tombstone
        : { ...tombstone, target: { ...target, untilS: target.untilS - 1 } },
    )
  }
}

class AnybodyDeletes extends TombstoneSet {
  readonly #ids = new Set<string>()
  override apply(tombstone: Tombstone): void {
    super.apply(tombstone)
    if (tombstone.target.type === 'event') this.#ids.add(tombstone.target.id)
  }
  override covers(event: NostrEvent): boolean {
    return super.covers(event) || (this.#ids.has(event.id) && event.kind !== 5 && event.kind !== 62)
  }
}

/** A deletion of somebody else's address, taken for the owner's. */
function asOwner(event: SignedEvent): SignedEvent {
  const pubkey = event.kind === 5 ? event.tags.find(([name]) => name === 'a')?.[1]?.split(':')[1] : undefined
  return pubkey === undefined ? event : { ...event, pubkey }
}

class DeletesRequests extends TombstoneSet {
  override apply(tombstone: Tombstone): void {
    super.apply(tombstone.reason === 'deletion' ? { ...tombstone, reason: 'admin' } : tombstone)
  }
}

class VanishTakesItself extends TombstoneSet {
  override covers(event: NostrEvent): boolean {
    return super.covers(event) || (event.kind === 62 && super.covers({ ...event, kind: 1 }))
  }
}

class VanishSparesDeletions extends TombstoneSet {
  override covers(event: NostrEvent): boolean {
    return event.kind !== 5 && super.covers(event)
  }
}

class NoRecipients extends TombstoneSet {
  override covers(event: NostrEvent): boolean {
    return super.covers(event.kind === 1059 ? { ...event, tags: [] } : event)
  }
}

class FirstRecipientOnly extends TombstoneSet {
  override covers(event: NostrEvent): boolean {
    const first = event.tags.find(([name]) => name === 'p')
    return super.covers(event.kind === 1059 && first ? { ...event, tags: [first] } : event)
  }
}

class NoFloors extends TombstoneSet {
  override isBelowFloor(): boolean {
    return false
  }
}

class Forgets extends TombstoneSet {
  override covers(event: NostrEvent): boolean {
    return event.kind !== 1 && super.covers(event)
  }
}

const BUGS: readonly (readonly [rule: string, bug: Bug])[] = [
  ['anybody deletes by id', withSet(() => new AnybodyDeletes())],
  ['anybody deletes by address', { seenAs: asOwner }],
  ['bounds end a second early', withSet(() => new Shorter())],
  ['a deletion reaches deletions', withSet(() => new DeletesRequests())],
  ['vanishing takes the request to vanish', withSet(() => new VanishTakesItself())],
  ['vanishing spares deletions', withSet(() => new VanishSparesDeletions())],
  ['recipients delete nothing', withSet(() => new NoRecipients())],
  ['only the first recipient counts', withSet(() => new FirstRecipientOnly())],
  ['nothing is below a floor', withSet(() => new NoFloors())],
  ['notes are never covered', withSet(() => new Forgets())],
  ['vanishing elsewhere is honoured', { relayUrls: [RELAY_URL, 'wss://elsewhere.example'] }],
  ['vanishing here is not', { relayUrls: [] }],
  ['deletions leave no floor', changed((one) => (one.reason === 'deletion' ? { ...one, floor: null } : one))],
  [
    'expirations leave no floor',
    changed((one) => (one.reason === 'expiration' ? { ...one, floor: null } : one)),
  ],
  [
    'nulls go to another partition',
    withRecords((record) =>
      record.value === null ? { ...record, partition: (record.partition + 1) % PARTITIONS } : record,
    ),
  ],
  [
    'a crash loses what was to be appended',
    {
      onCrash: (state) => {
        const numbers = state.outgoing(Number.MAX_SAFE_INTEGER).map(({ number }) => number)
        state.sent(numbers, [], 0)
      },
    },
  ],
]

test.each(BUGS)(
  'caught: %s',
  async (_, bug) => {
    const failed = (async () => {
      for (let world = 0; world < WORLDS_MAX; world++) await checkWorld(1_000 + world, CASES_PER_WORLD, bug)
    })()
    await expect(failed).rejects.toThrow()
  },
  120_000,
)
