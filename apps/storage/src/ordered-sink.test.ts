import { setImmediate as turn } from 'node:timers/promises'
import { ok, type Result } from '@millrace/kernel'
import { type Envelope, type NostrEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'
import type { Positioned } from '@millrace/pipeline'
import type { EventsSink } from '@millrace/projection-events'
import { testKey, unsigned } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { OrderedSink } from './ordered-sink.ts'

const author = testKey('author').pubkey
const noteOf = (content: string): NostrEvent => unsigned({ kind: 1, content, created_at: 1 }, author)

const positioned = (event: NostrEvent): Positioned<Envelope> => ({
  value: { event, receipt: { receivedAtMs: 1, source: 'client', edge: 'e' } },
  topic: 't',
  partition: 0,
  offset: 0,
  appendedAtMs: 1,
})

const tombstoneOf = (event: NostrEvent): Tombstone => ({
  author,
  requestId: 'e'.repeat(64),
  requestCreatedAt: 2,
  target: { type: 'event', id: event.id },
  floor: null,
  reason: 'deletion',
  recordedAtMs: 3,
})

/** A sink that finishes each call when told to, and remembers the order. */
class SlowSink implements EventsSink {
  readonly name = 'slow'
  readonly writeSpan = 'slow.write'
  readonly calls: string[] = []
  readonly #finishers: (() => void)[] = []

  apply(records: readonly Positioned<Envelope>[]): Promise<Result<void>> {
    return this.#call(`events ${records.map(({ value }) => value.event.content).join()}`)
  }

  applyTombstones(tombstones: readonly Tombstone[]): Promise<Result<void>> {
    return this.#call(`tombstones ${tombstones.length}`)
  }

  finishOne(): void {
    this.#finishers.shift()?.()
  }

  #call(name: string): Promise<Result<void>> {
    this.calls.push(name)
    return new Promise((resolve) => this.#finishers.push(() => resolve(ok(undefined))))
  }
}

test('a tombstone waits for the batch before it, and the batch after it is held against it', async () => {
  const slow = new SlowSink()
  const tombstones = new TombstoneSet()
  const sink = new OrderedSink(slow, () => tombstones)
  const [first, second] = [noteOf('first'), noteOf('second')]

  const writing = sink.apply([positioned(first)])
  await turn()
  tombstones.apply(tombstoneOf(first))
  tombstones.apply(tombstoneOf(second))
  const erasing = sink.applyTombstones([tombstoneOf(first), tombstoneOf(second)])
  const late = sink.apply([positioned(second)])
  await turn()
  expect(slow.calls).toEqual(['events first'])
  slow.finishOne()
  await writing
  await turn()
  expect(slow.calls).toEqual(['events first', 'tombstones 2'])
  slow.finishOne()
  expect(await erasing).toEqual(ok(undefined))
  expect(await late).toEqual(ok(undefined))
  expect(slow.calls, 'nothing is left of the late batch').toHaveLength(2)
})

test('a call that fails does not hold up the next', async () => {
  const tombstones = new TombstoneSet()
  let calls = 0
  const failing: EventsSink = {
    name: 'failing',
    writeSpan: 'failing.write',
    apply: async () => {
      calls++
      throw new Error('away')
    },
    applyTombstones: async () => ok(undefined),
  }
  const sink = new OrderedSink(failing, () => tombstones)
  await expect(sink.apply([positioned(noteOf('a'))])).rejects.toThrow('away')
  await expect(sink.apply([positioned(noteOf('b'))])).rejects.toThrow('away')
  expect(calls).toBe(2)
})
