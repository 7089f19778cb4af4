import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServingView } from '@millrace/event-store'
import { ok } from '@millrace/kernel'
import { eventJson, type Filter, type NostrEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Overlay } from '../overlay/overlay.ts'
import { Doubts } from './doubts.ts'
import { ViewedReader } from './viewed-reader.ts'
import { type BelowReader, VIEWED_READER_LIMITS } from './viewed-reader-parts.ts'

const [alice, bob] = [testKey('alice').pubkey, testKey('bob').pubkey]
const profile = (pubkey: string, created_at: number) => unsigned({ kind: 0, created_at }, pubkey)
const [older, erased, others] = [profile(alice, 10), profile(alice, 20), profile(bob, 15)]
const note = unsigned({ kind: 1, created_at: 5 }, alice)
const anonymous = { authedPubkeys: new Set<string>(), nowS: 1_000 }

const tombstone = (floor: Tombstone['floor'], id = erased.id): Tombstone => ({
  author: alice,
  requestId: 'e'.repeat(64),
  requestCreatedAt: 30,
  target: { type: 'event', id },
  floor,
  reason: 'deletion',
  recordedAtMs: 30_000,
})
const FLOOR = { kind: 0, pubkey: alice, d: '', createdAt: 20, id: erased.id }

let folder: string
let view: ServingView
let tombstones: TombstoneSet
let below: { asked: Filter[] }
let reader: ViewedReader

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-doubts-'))
  tombstones = new TombstoneSet()
  const bounds = { viewBytesMax: 2 ** 30, viewWinnersBytesMax: 2 ** 30, viewAgeDaysMax: 0 }
  view = await ServingView.open({ folder, logId: 'log', bounds, tombstones })
  apply(older, erased, others, note)
  below = { asked: [] }
  const overlay = new Overlay({ overlayEventsMax: 10, overlayBytesMax: 1 << 20 })
  overlay.releaseViewed(view.positions, (event) => view.isSettled(event))
  reader = new ViewedReader({
    overlay,
    tombstones,
    view: () => view,
    below: countingBelow(),
    limits: VIEWED_READER_LIMITS,
  })
})

afterEach(async () => {
  await view.close()
  rmSync(folder, { recursive: true })
})

let offset = 0
function apply(...events: readonly NostrEvent[]): void {
  const logged = events.map((event) => ({
    event,
    json: eventJson(event),
    partition: 0,
    offset: offset++,
  }))
  view.apply({ events: logged, nextOffsets: new Map([[0, offset]]) })
}

async function erase(given: Tombstone): Promise<void> {
  tombstones.apply(given)
  await view.erase(given, async () => {})
}

/** A store that knows nothing and counts what it is asked. */
function countingBelow(): BelowReader {
  return {
    advance: async (cursors) => {
      for (const cursor of cursors) {
        below.asked.push(cursor.filter)
        cursor.take([], null)
      }
      return ok(undefined)
    },
    lookup: async () => ok(new Map()),
    currentVersions: async () => ok(new Map()),
    async *query() {
      yield ok([])
    },
  }
}

/** The ids found, and whether the store was asked. */
async function ask(filter: Omit<Filter, 'tags'>): Promise<[ids: string[], isBelowAsked: boolean]> {
  const before = below.asked.length
  const ids: string[] = []
  for await (const chunk of reader.query([{ ...filter, tags: {} }], anonymous))
    if (chunk.ok) ids.push(...chunk.value.map(({ id }) => id))
  return [ids, below.asked.length > before]
}

test('one erased profile sends no REQ to the store that cannot match an older version of it', async () => {
  await erase(tombstone(null))
  expect(view.state.addressesInDoubt).toBe(1)
  expect(await ask({ kinds: [0], authors: [bob] })).toEqual([[others.id], false])
  expect(await ask({ authors: [bob] })).toEqual([[others.id], false])
  expect(await ask({ kinds: [3, 10_002], authors: [alice] })).toEqual([[], false])
  expect(await ask({ kinds: [0], since: 21 })).toEqual([[], false])
  expect(await ask({ ids: [others.id, note.id] })).toEqual([[others.id, note.id], false])
  expect(await ask({ kinds: [1] })).toEqual([[note.id], false])
  for (const filter of [{ authors: [alice, bob], kinds: [0] }, { kinds: [0] }, {}, { ids: [older.id] }])
    expect((await ask(filter))[1], JSON.stringify(filter)).toBe(true)
})

test('a floor leaves no doubt, whether it comes with the erasure or later', async () => {
  await erase(tombstone(FLOOR))
  expect(view.state.addressesInDoubt).toBe(0)
  expect(await ask({ kinds: [0] })).toEqual([[others.id], false])
  const newer = profile(alice, 40)
  apply(newer)
  await erase(tombstone(null, newer.id))
  expect(view.state.addressesInDoubt).toBe(1)
  await erase(tombstone({ ...FLOOR, createdAt: 40, id: newer.id }, newer.id))
  expect(view.state.addressesInDoubt).toBe(0)
  expect(await ask({ kinds: [0] })).toEqual([[others.id], false])
})

test.each<[string, () => unknown]>([
  ['a newer version', () => apply(profile(alice, 50))],
  [
    'the erasure of the whole address',
    () =>
      erase({ ...tombstone(null), target: { type: 'address', kind: 0, pubkey: alice, d: '', untilS: 20 } }),
  ],
  ['vanishing', () => erase({ ...tombstone(null), target: { type: 'pubkey', pubkey: alice, untilS: 20 } })],
])('%s ends a doubt', async (_, end) => {
  await erase(tombstone(null))
  expect(view.state.addressesInDoubt).toBe(1)
  await end()
  expect(view.state.addressesInDoubt).toBe(0)
  expect((await ask({ kinds: [0] }))[1]).toBe(false)
})

test('nothing is settled by a store that lost what it had while it was asked', async () => {
  await erase(tombstone(null))
  let stored = new Map<number, number>()
  const doubts = new Doubts({
    view: () => view,
    tombstones,
    olderVersions: async () => ok([]),
    stored: async () => ok(stored),
    settle: (settlements) => view.settle(settlements),
  })
  const all = new Map([[0, offset]])
  expect(await doubts.resolve(all)).toBe(0)
  expect(view.state.addressesInDoubt).toBe(1)
  stored = all
  expect(await doubts.resolve(all)).toBe(1)
  expect(view.state.addressesInDoubt).toBe(0)
})
