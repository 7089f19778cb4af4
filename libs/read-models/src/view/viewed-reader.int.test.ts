import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ViewBounds } from '@millrace/event-store'
import { freePorts, startClickHouse } from '@millrace/infra-local'
import { unwrap } from '@millrace/kernel'
import { addressOf, type Filter, type NostrEvent, type Tombstone } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../testdata/store-fixture.ts'
import { ScriptedEdge, type Store } from './testing/scripted-edge.ts'

// A server of its own: other suites empty the same tables.
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-viewed-'))
let server: Awaited<ReturnType<typeof startClickHouse>>
let store: Store & Awaited<ReturnType<typeof openStore>>
let edge: ScriptedEdge
let edges = 0

beforeAll(async () => {
  const [httpPort = 0, tcpPort = 0] = await freePorts(2)
  server = await startClickHouse({ dataDir: join(dataDir, 'clickhouse'), httpPort, tcpPort })
  store = await openStore(server.url)
})

afterEach(() => edge?.view.close())

afterAll(async () => {
  await store?.reads.close()
  await store?.writes.close()
  await server?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

/** An edge that is open until the test ends. @param viewBytesMax of regular events */
async function openEdge(viewBytesMax: number, pageRowsMax?: number): Promise<ScriptedEdge> {
  const bounds: ViewBounds = { viewBytesMax, viewWinnersBytesMax: 2 ** 30, viewAgeDaysMax: 0 }
  edge = await ScriptedEdge.open(join(dataDir, `view-${edges++}`), bounds, store, pageRowsMax)
  return edge
}

const [author, other] = [testKey('author').pubkey, testKey('other').pubkey]
const note = (created_at: number, pubkey = author, content = ''): NostrEvent =>
  unsigned({ kind: 1, created_at, content, tags: [['t', created_at % 2 === 0 ? 'even' : 'odd']] }, pubkey)
const article = (created_at: number, d = 'x', content = ''): NostrEvent =>
  unsigned({ kind: 30_023, created_at, content, tags: [['d', d]] }, author)
const idsOf = (events: readonly NostrEvent[]) => events.map(({ id }) => id)
const newestFirst = (events: readonly NostrEvent[]) =>
  events.toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))

/** Notes of the seconds 0 to 99, of which the view keeps the newer half. */
async function halfViewed(pageRowsMax?: number): Promise<{ notes: NostrEvent[]; horizonS: number }> {
  await openEdge(2 ** 30, pageRowsMax)
  const notes = Array.from({ length: 100 }, (_, second) => note(second))
  edge.publish(...notes)
  edge.apply()
  const all = edge.view.state.regular.bytes
  const positions = edge.view.positions
  await edge.view.close()
  await openEdge(Math.floor(all / 2), pageRowsMax)
  edge.publish(...notes)
  edge.apply()
  expect(edge.view.positions).toEqual(positions)
  await edge.store()
  edge.evict()
  const horizonS = edge.view.horizonFor({ kinds: [1], tags: {} })?.createdAt ?? 0
  expect(horizonS).toBeGreaterThan(40)
  expect(horizonS).toBeLessThan(60)
  return { notes, horizonS }
}

describe('across the horizon', () => {
  test.each([3, 500])(
    'since, until and limit, with pages of %i rows',
    async (pageRowsMax) => {
      const { notes, horizonS } = await halfViewed(pageRowsMax)
      const newer = Array.from({ length: 10 }, (_, second) => note(100 + second))
      edge.publish(...newer.slice(0, 5))
      edge.apply()
      edge.publish(...newer.slice(5))
      const all = newestFirst([...notes, ...newer])
      const ranges = [
        {},
        { since: 30 },
        { until: 104 },
        { since: horizonS - 3, until: horizonS + 3 },
        { until: 20 },
      ]
      for (const range of ranges)
        for (const limit of [1, 60, 61, 500]) {
          const { since = 0, until = 1_000 } = range as { since?: number; until?: number }
          const within = all.filter(({ created_at: at }) => at >= since && at <= until)
          for (const filter of [{ kinds: [1] }, { authors: [author] }, {}]) {
            const found = await edge.query({ ...filter, ...range, limit, tags: {} })
            expect(found).toEqual(idsOf(within.slice(0, limit)))
          }
          const odd = within.filter(({ created_at: at }) => at % 2 === 1)
          expect(await edge.query({ ...range, limit, tags: { t: ['odd'] } })).toEqual(
            idsOf(odd.slice(0, limit)),
          )
        }
    },
    120_000,
  )

  test('the store is asked only where a filter reaches below the horizon and its limit is not met', async () => {
    const { notes, horizonS } = await halfViewed()
    const newest = idsOf(newestFirst(notes))
    const above = notes.length - 1 - horizonS
    expect(edge.answerNow({ kinds: [1], limit: above, tags: {} })).toEqual(newest.slice(0, above))
    const since = { kinds: [1], since: horizonS + 1, tags: {} }
    expect(edge.answerNow(since)).toEqual(newest.slice(0, above))
    expect(await edge.query(since)).toEqual(newest.slice(0, above))
    expect(edge.asked).toBe(0)
    expect(edge.answerNow({ kinds: [1], limit: above + 2, tags: {} })).toBeNull()
    expect(await edge.query({ kinds: [1], limit: above + 2, tags: {} })).toEqual(newest.slice(0, above + 2))
    expect(edge.asked).toBe(1)
  })

  test('several filters, one of them below, come as one answer in order', async () => {
    const { notes } = await halfViewed(3)
    edge.publish(article(90), article(10, 'y'))
    edge.apply()
    const all = newestFirst([...notes, ...edge.log.slice(100).map(({ event }) => event)])
    const filters: Filter[] = [
      { kinds: [30_023], tags: {} },
      { kinds: [1], since: 85, until: 92, tags: {} },
      { kinds: [1], since: 8, until: 12, tags: {} },
      { ids: [all[0]?.id ?? '', all[70]?.id ?? ''], tags: {} },
    ]
    const expected = all.filter(
      ({ id, kind, created_at: at }) =>
        kind === 30_023 || (at >= 85 && at <= 92) || (at >= 8 && at <= 12) || filters[3]?.ids?.includes(id),
    )
    expect(await edge.query(...filters)).toEqual(idsOf(expected))
  })
})

describe('while storage is behind', () => {
  test('backdated events are there, above, below and between the horizons, and once', async () => {
    await halfViewed()
    const late = [note(3, other), note(70, other), article(4), article(75, 'y')]
    edge.publish(...late)
    const everywhere = async () => {
      const expected = idsOf(newestFirst(late))
      const [noteIds, articleIds] = [
        [expected[1], expected[3]],
        [expected[0], expected[2]],
      ]
      expect(await edge.query({ authors: [other], tags: {} })).toEqual(noteIds)
      expect(await edge.query({ authors: [other], kinds: [1], limit: 2, tags: {} })).toEqual(noteIds)
      expect(await edge.query({ kinds: [30_023], tags: {} })).toEqual(articleIds)
      expect(await edge.query({ tags: { d: ['x', 'y'] } })).toEqual(articleIds)
      expect(await edge.query({ ids: expected, tags: {} })).toEqual(expected)
      expect([...unwrap(await edge.reader.lookup(expected)).keys()].sort()).toEqual(expected.toSorted())
    }
    await everywhere()
    edge.apply()
    // The view answers for three of them; the oldest note lies below its horizon and stays.
    expect(edge.overlay.events).toBe(1)
    await everywhere()
    await edge.store()
    expect(edge.overlay.isEmpty).toBe(true)
    await everywhere()
  })

  test('a version that only the view has hides the one that the store takes for the newest', async () => {
    const { notes } = await halfViewed()
    const [first, second] = [article(2), article(80)]
    edge.publish(first)
    edge.apply()
    await edge.store()
    edge.publish(second)
    edge.apply()
    expect(edge.overlay.isEmpty).toBe(true)
    expect(await edge.query({ kinds: [30_023], tags: {} })).toEqual([second.id])
    // The store's page is cut by the limit and then shortened: the answer is not.
    const oldest = newestFirst([...notes, first]).slice(-7)
    expect(oldest).toContain(first)
    const expected = idsOf(oldest.filter((event) => event !== first))
    for (const limit of [3, 4, 5, 6]) {
      const filter = { authors: [author], until: oldest[0]?.created_at ?? 0, limit, tags: {} }
      expect(await edge.query(filter)).toEqual(expected.slice(0, limit))
      expect(await edge.query({ ...filter, kinds: [1, 30_023] })).toEqual(expected.slice(0, limit))
    }
    const at = addressOf(second) ?? ''
    expect(unwrap(await edge.reader.currentVersions([at])).get(at)).toEqual({ id: second.id, createdAt: 80 })
  })
})

describe('an address in doubt', () => {
  const erasing = (id: string): Tombstone => ({
    author,
    requestId: 'e'.repeat(64),
    requestCreatedAt: 95,
    target: { type: 'event', id },
    floor: null,
    reason: 'deletion',
    recordedAtMs: 95_000,
  })
  const versionOf = async (event: NostrEvent) => {
    const at = addressOf(event) ?? ''
    return unwrap(await edge.reader.currentVersions([at])).get(at)?.id
  }

  test('the store names the version before, also beyond the horizon, until a newer one comes', async () => {
    const { notes } = await halfViewed(3)
    const [first, second, third] = [article(20), article(80), article(81)]
    edge.publish(first, second)
    edge.apply()
    await edge.store()
    await edge.erase(erasing(second.id))
    expect(edge.view.state.addressesInDoubt).toBe(1)
    expect(edge.answerNow({ kinds: [30_023], tags: {} })).toBeNull()
    expect(await edge.query({ kinds: [30_023], tags: {} })).toEqual([first.id])
    expect(await edge.query({ tags: {} })).toEqual(idsOf(newestFirst([...notes, first])))
    expect(await versionOf(first)).toBe(first.id)
    // Filters that reach no versions have nothing to do with it.
    expect(edge.answerNow({ kinds: [1], limit: 10, tags: {} })).toHaveLength(10)
    edge.publish(third)
    expect(await edge.query({ kinds: [30_023], tags: {} })).toEqual([third.id])
    edge.apply()
    expect(edge.view.state.addressesInDoubt).toBe(0)
    expect(edge.answerNow({ kinds: [30_023], tags: {} })).toEqual([third.id])
    expect(await edge.query({ tags: {} })).toEqual(idsOf(newestFirst([...notes, third])))
    expect(await versionOf(first)).toBe(third.id)
  })

  test('once storage has what the view has met, the store names the version and is not asked again', async () => {
    await openEdge(2 ** 30)
    const [first, second, late, third] = [article(20), article(80), article(30, 'x', 'late'), article(81)]
    edge.publish(first, note(50), second)
    edge.apply()
    await edge.erase(erasing(second.id))
    expect(await edge.settleDoubts()).toBe(0)
    await edge.store()
    edge.publish(late)
    edge.apply()
    expect(await edge.settleDoubts()).toBe(0)
    await edge.store()
    expect(await edge.settleDoubts()).toBe(1)
    expect(edge.view.state.addressesInDoubt).toBe(0)
    expect(edge.answerNow({ kinds: [30_023], tags: {} })).toEqual([late.id])
    edge.publish(third)
    edge.apply()
    await edge.store()
    await edge.erase(erasing(third.id))
    await edge.erase(erasing(late.id))
    expect(await edge.settleDoubts()).toBe(1)
    expect(edge.answerNow({ kinds: [30_023], tags: {} })).toEqual([first.id])
    await edge.erase(erasing(first.id))
    expect(await edge.settleDoubts()).toBe(1)
    expect(edge.answerNow({ kinds: [30_023], tags: {} })).toEqual([])
    expect(await versionOf(first)).toBeUndefined()
  })

  test('an erased version without one before it is nowhere, and rules nothing', async () => {
    await openEdge(2 ** 30)
    const only = article(80)
    edge.publish(only)
    edge.apply()
    await edge.erase(erasing(only.id))
    expect(await edge.query({ kinds: [30_023], tags: {} })).toEqual([])
    expect(await versionOf(only)).toBeUndefined()
  })

  test('a version published meanwhile that is older than the erased one is read from the overlay, then from the store', async () => {
    await openEdge(2 ** 30)
    const [erased, between] = [article(80), article(50)]
    edge.publish(erased)
    edge.apply()
    await edge.erase(erasing(erased.id))
    edge.publish(between)
    edge.apply()
    expect(edge.overlay.events).toBe(1)
    for (let round = 0; round < 2; round++) {
      expect(await edge.query({ tags: {} })).toEqual([between.id])
      expect(await versionOf(between)).toBe(between.id)
      await edge.store()
    }
    expect(edge.overlay.isEmpty).toBe(true)
  })
})

test('with the store away the view answers as far as it reaches, and what lies below is a fault', async () => {
  const { notes } = await halfViewed()
  await server.stop()
  const newest = idsOf(newestFirst(notes))
  expect(edge.answerNow({ kinds: [1], limit: 30, tags: {} })).toEqual(newest.slice(0, 30))
  expect(await edge.query({ kinds: [1], since: 70, tags: {} })).toEqual(newest.slice(0, 30))
  const chunks = []
  const context = { authedPubkeys: new Set<string>(), nowS: 1_800_000_000 }
  for await (const chunk of edge.reader.query([{ kinds: [1], tags: {} }], context)) chunks.push(chunk)
  expect(chunks.at(-1)).toMatchObject({ ok: false, fault: { code: 'clickhouse-unavailable' } })
  expect(chunks.slice(0, -1).flatMap((chunk) => unwrap(chunk).map(({ id }) => id))).toEqual(
    newest.slice(0, edge.view.state.regular.events),
  )
})
