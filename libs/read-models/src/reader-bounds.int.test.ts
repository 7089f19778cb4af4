import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClickHouse } from '@millrace/clickhouse'
import { freePorts, startClickHouse } from '@millrace/infra-local'
import { LIMITS, unwrap } from '@millrace/kernel'
import { eventJson, type NostrEvent, TombstoneSet } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EventReader, ReadContext } from './event-reader.ts'
import { createEventReader } from './joined-reader.ts'
import { Overlay } from './overlay/overlay.ts'
import { emptyStore, openStore, storeEvents } from './testdata/store-fixture.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'millrace-reader-'))
const author = testKey('author').pubkey
const context: ReadContext = { authedPubkeys: new Set(), nowS: 1_800_000_000 }
let server: Awaited<ReturnType<typeof startClickHouse>>
let store: { reads: ClickHouse; writes: ClickHouse }

beforeAll(async () => {
  const [httpPort = 0, tcpPort = 0] = await freePorts(2)
  server = await startClickHouse({ dataDir, httpPort, tcpPort })
  store = await openStore(server.url)
})

afterAll(async () => {
  await store?.reads.close()
  await store?.writes.close()
  await server?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const note = (created_at: number, content = '', tags: string[][] = []): NostrEvent =>
  unsigned({ kind: 1, created_at, content, tags }, author)

const placed = (events: readonly NostrEvent[]) =>
  events.map((event, offset) => ({ event, partition: 0, offset }))

const readerOver = (
  overlay = new Overlay({ overlayEventsMax: 100, overlayBytesMax: 1 << 24 }),
): EventReader => createEventReader({ clickhouse: store.reads, overlay, tombstones: new TombstoneSet() })

async function idsOf(reader: EventReader, filter: Parameters<EventReader['query']>[0][number]) {
  const ids: string[] = []
  for await (const chunk of reader.query([filter], context)) ids.push(...unwrap(chunk).map(({ id }) => id))
  return ids
}

test('a page too large for one answer is read in smaller ones', async () => {
  await emptyStore(store.writes)
  const large = Array.from({ length: 120 }, (_, index) => note(index, `${index} ${'x'.repeat(500_000)}`))
  for (let from = 0; from < large.length; from += 20)
    await storeEvents(store.writes, placed(large.slice(from, from + 20)))
  const newestFirst = large.toReversed().map(({ id }) => id)
  expect(await idsOf(readerOver(), { authors: [author], kinds: [1], tags: {} })).toEqual(newestFirst)
}, 120_000)

test('filters as large as a frame allows are answered', async () => {
  await emptyStore(store.writes)
  const wanted = note(7, '', [['t', "it's a \\ 'quoted' ✓ value"]])
  await storeEvents(store.writes, placed([wanted]))
  const keys = Array.from({ length: LIMITS.filterListEntriesMax - 1 }, (_, index) =>
    index.toString(16).padStart(64, '0'),
  )
  const words = keys.map((key) => `✓ '${key}' \\`)
  const reader = readerOver()
  expect(await idsOf(reader, { ids: [...keys, wanted.id], tags: {} })).toEqual([wanted.id])
  expect(await idsOf(reader, { authors: [...keys, author], tags: {} })).toEqual([wanted.id])
  const t = [...words, "it's a \\ 'quoted' ✓ value"]
  expect(await idsOf(reader, { tags: { t } })).toEqual([wanted.id])
  expect(await idsOf(reader, { tags: { t: ['✓'.repeat(100_000)] } })).toEqual([])
}, 60_000)

test('a limit beyond one page comes in chunks, without gaps or doubles', async () => {
  await emptyStore(store.writes)
  const notes = Array.from({ length: 1_300 }, (_, index) => note(Math.floor(index / 7), String(index)))
  await storeEvents(store.writes, placed(notes))
  const chunks: number[] = []
  const ids: string[] = []
  for await (const chunk of readerOver().query([{ kinds: [1], limit: 1_250, tags: {} }], context)) {
    const events = unwrap(chunk)
    chunks.push(events.length)
    ids.push(...events.map(({ id }) => id))
  }
  const expected = notes.toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
  expect(ids).toEqual(expected.slice(0, 1_250).map(({ id }) => id))
  expect(chunks.length).toBeGreaterThan(1)
  for (const length of chunks) expect(length).toBeLessThanOrEqual(500)
})

test('limit 0, ids that are all in the overlay, and recently read ids need no ClickHouse', async () => {
  await emptyStore(store.writes)
  const [stored, waiting] = [note(1, 'stored'), note(2, 'waiting')]
  await storeEvents(store.writes, placed([stored]))
  const overlay = new Overlay({ overlayEventsMax: 100, overlayBytesMax: 1 << 24 })
  overlay.add({ event: waiting, json: eventJson(waiting), partition: 0, offset: 1 })
  let statements = 0
  const counting = new Proxy(store.reads, {
    get(target, property) {
      if (property === 'query' || property === 'queryText') statements++
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const reader = createEventReader({ clickhouse: counting, overlay, tombstones: new TombstoneSet() })
  expect(await idsOf(reader, { kinds: [1], limit: 0, tags: {} })).toEqual([])
  expect(await idsOf(reader, { ids: [waiting.id], tags: {} })).toEqual([waiting.id])
  expect(statements).toBe(0)
  expect(await idsOf(reader, { ids: [stored.id, waiting.id], tags: {} })).toEqual([waiting.id, stored.id])
  expect(statements).toBeGreaterThan(0)
  statements = 0
  expect(await idsOf(reader, { ids: [stored.id, waiting.id], tags: {} })).toEqual([waiting.id, stored.id])
  expect(statements).toBe(0)
})

test('an aborted read ends without a fault; an outage is one', async () => {
  const abort = new AbortController()
  abort.abort()
  const chunks: unknown[] = []
  const filter = { kinds: [1], tags: {} }
  for await (const chunk of readerOver().query([filter], { ...context, signal: abort.signal }))
    chunks.push(chunk)
  expect(chunks).toEqual([])
  const reader = readerOver()
  await server.stop()
  for await (const chunk of reader.query([filter], context)) chunks.push(chunk)
  expect(chunks).toMatchObject([{ ok: false, fault: { code: 'clickhouse-unavailable', kind: 'transient' } }])
})
