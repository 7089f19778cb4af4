import type { ErasureSubject } from '@millrace/erasure'
import { unwrap } from '@millrace/kernel'
import type { Tombstone } from '@millrace/nostr'
import { type SignedEvent, testKey, unsigned } from '@millrace/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createEventsSink } from '../sink.ts'
import { connect, emptyStore, migrateStore, recordsOf } from '../testing/store.ts'
import { createClickHouseErasure } from './clickhouse-erasure.ts'
import { EVENT_TABLES } from './event-tables.ts'
import { applyErasureDeadline } from './part-lifetime.ts'

const ch = connect()
const sink = createEventsSink(ch)
const store = createClickHouseErasure(ch, { eraser: 'a test', waitsForParts: false })
const alice = testKey('alice').pubkey
const bob = testKey('bob').pubkey

beforeAll(async () => {
  await migrateStore(ch)
  unwrap(await applyErasureDeadline(ch, 10))
})
beforeEach(() => emptyStore(ch))
afterAll(async () => {
  unwrap(await applyErasureDeadline(ch, 86_400))
  await ch.close()
})

const event = (kind: number, created_at: number, author = alice, tags: string[][] = [], content = '') =>
  unsigned({ kind, created_at, tags, content }, author)

const tombstone = (
  target: Tombstone['target'],
  { author = alice, floor = null, reason = 'deletion' }: Partial<Tombstone> = {},
): Tombstone => ({
  author,
  requestId: 'f'.repeat(64),
  requestCreatedAt: 1,
  target,
  floor,
  reason,
  recordedAtMs: 1,
})

async function given(...events: SignedEvent[]): Promise<void> {
  unwrap(await sink.apply(recordsOf(events)))
}

async function erase(...tombstones: Tombstone[]): Promise<void> {
  unwrap(await sink.applyTombstones(tombstones))
  unwrap(await store.erase(tombstones))
}

/** Ids with a row in a table, whatever the views say. */
async function idsIn(table: string): Promise<string[]> {
  const rows = await ch.query<{ id: string }>(
    `SELECT DISTINCT lower(hex(id)) AS id FROM nostr_store.${table} ORDER BY id`,
  )
  return unwrap(rows).map(({ id }) => id)
}
const left = () => idsIn('events')
const ids = (...events: SignedEvent[]) => events.map(({ id }) => id).sort()

test('a deleted event leaves every table; nobody else’s request and no request for requests does anything', async () => {
  const [gone, kept] = [event(1, 10, alice, [['t', 'x']]), event(1, 11, alice, [['t', 'x']])]
  const [request, vanish] = [event(5, 12), event(62, 12)]
  await given(gone, kept, request, vanish)
  await erase(
    tombstone({ type: 'event', id: gone.id }),
    tombstone({ type: 'event', id: kept.id }, { author: bob }),
    tombstone({ type: 'event', id: request.id }),
    tombstone({ type: 'event', id: vanish.id }),
  )
  expect(await left()).toEqual(ids(kept, request, vanish))
  for (const table of EVENT_TABLES) expect(await idsIn(table), table).not.toContain(gone.id)
})

test('an administrative act takes a kind 5 too; a recipient takes a gift wrap', async () => {
  const request = event(5, 12)
  const wrap = event(1059, 10, bob, [
    ['p', testKey('carol').pubkey],
    ['p', alice],
  ])
  await given(request, wrap)
  await erase(
    tombstone({ type: 'event', id: request.id }, { reason: 'admin' }),
    tombstone({ type: 'event', id: wrap.id }),
  )
  expect(await left()).toEqual([])
})

test('an address goes up to its bound, and everything below a floor does', async () => {
  const article = (at: number, d: string) => event(30023, at, alice, [['d', d]])
  const [one, two, three] = [article(1, 'x'), article(2, 'x'), article(3, 'x')]
  const [other, profile, newer] = [article(1, 'y'), event(0, 1), event(0, 2)]
  await given(one, two, three, other, profile, newer)
  const floor = { kind: 0, pubkey: alice, d: '', createdAt: 2, id: newer.id }
  await erase(
    tombstone({ type: 'address', kind: 30023, pubkey: alice, d: 'x', untilS: 2 }),
    tombstone({ type: 'event', id: newer.id }, { floor }),
  )
  expect(await left()).toEqual(ids(three, other))
  expect(await idsIn('winners')).toEqual(ids(three, other))
})

test('a vanished key keeps what it wrote later and its request; gift wraps to it go', async () => {
  const wrap = event(1059, 5, bob, [['p', alice]])
  const [gone, request, kept, vanish] = [event(1, 5), event(5, 5), event(1, 6), event(62, 5)]
  const mention = event(1, 5, bob, [['p', alice]])
  await given(wrap, gone, request, kept, vanish, mention)
  await erase(tombstone({ type: 'pubkey', pubkey: alice, untilS: 5 }, { reason: 'vanish' }))
  expect(await left()).toEqual(ids(kept, vanish, mention))
  for (const table of EVENT_TABLES) expect(await idsIn(table), table).not.toContain(gone.id)
})

test('the version before an erased one without a floor stays', async () => {
  const [older, newer] = [event(0, 1), event(0, 2)]
  await given(older, newer)
  await erase(tombstone({ type: 'event', id: newer.id }))
  expect(await left()).toEqual([older.id])
  expect(await idsIn('winners')).toEqual([older.id])
})

test('an erasure that was cut off is gone on with', async () => {
  const gone = event(1, 10)
  await given(gone)
  const tombstones = [tombstone({ type: 'event', id: gone.id })]
  unwrap(await sink.applyTombstones(tombstones))
  // As after a crash between two tables: the row that leads to the others is gone already.
  await ch.command(
    `INSERT INTO nostr_store.erasing_ids (eraser, id, since) SELECT 'a test', unhex('${gone.id}'), now64(3)`,
  )
  await ch.command(`ALTER TABLE nostr_store.events DELETE WHERE 1`, { settings: { mutations_sync: '1' } })
  expect(unwrap(await store.oldestTraceMs())).toBeGreaterThan(0)
  unwrap(await store.erase([]))
  for (const table of EVENT_TABLES) expect(await idsIn(table), table).toEqual([])
  expect(unwrap(await store.oldestTraceMs())).toBeNull()
})

test('planted words are found before, and nowhere once they are erased', async () => {
  const gone = event(1, 10, alice, [['t', 'planted tag']], 'planted words')
  await given(gone, event(1, 11))
  const subject: ErasureSubject = { target: { type: 'event', id: gone.id }, needles: ['planted'] }
  const traces = async () => unwrap(await store.verify(subject)).traces
  expect((await traces()).map(({ what }) => what)).toContain('1 rows')
  const tombstones = [tombstone({ type: 'event', id: gone.id })]
  unwrap(await sink.applyTombstones(tombstones))
  unwrap(await createClickHouseErasure(ch).erase(tombstones))
  expect(await traces()).toEqual([])
}, 90_000)

test('inserts go on while 20,000 events are deleted', async () => {
  await given(...Array.from({ length: 20_000 }, (_, at) => event(1, at)))
  const erasing = store.erase([
    tombstone({ type: 'pubkey', pubkey: alice, untilS: 30_000 }, { reason: 'vanish' }),
  ])
  let isDone = false
  void erasing.then(() => {
    isDone = true
  })
  const waits: number[] = []
  for (let at = 0; !isDone || at < 3; at++) {
    const startMs = performance.now()
    await given(event(1, 40_000 + at))
    waits.push(performance.now() - startMs)
  }
  unwrap(await erasing)
  expect(Math.max(...waits)).toBeLessThan(2_000)
  expect(await left()).toHaveLength(waits.length)
}, 120_000)
