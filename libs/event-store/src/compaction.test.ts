import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ErasureSubject } from '@millrace/erasure'
import { ManualClock, unwrap } from '@millrace/kernel'
import { eventJson, type NostrEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generationsIn } from './generations.ts'
import { ServingView, ViewReader, ViewStore, viewMapBytes } from './index.ts'
import { contentsOf } from './testing/contents.ts'
import { idsOf, random, UNBOUNDED } from './testing/world.ts'

const SEED = Number(process.env['VIEW_COMPACTION_SEED'] ?? Math.floor(Math.random() * 1e9))
const erased = testKey('compaction erased').pubkey
const kept = testKey('compaction kept').pubkey
const NEEDLE = 'plantedwords'
const subject: ErasureSubject = {
  target: { type: 'pubkey', pubkey: erased, untilS: 1_000_000 },
  // The short one tells of fragments as well.
  needles: [NEEDLE, 'plante'],
}
const vanishing: Tombstone = {
  author: erased,
  target: { type: 'pubkey', pubkey: erased, untilS: 1_000_000 },
  requestId: 'a'.repeat(64),
  requestCreatedAt: 1_000_000,
  floor: null,
  reason: 'vanish',
  recordedAtMs: 1,
}

let root: string
let folder: string
let tombstones: TombstoneSet
let view: ServingView
let offset: number
let freeBytes: number
let clock: ManualClock
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace-view-compaction-'))
  folder = join(root, 'edge')
  tombstones = new TombstoneSet()
  offset = 0
  clock = new ManualClock(5_000)
  freeBytes = 2 ** 40
  view = await opened()
})
afterEach(async () => {
  await view.close()
  rmSync(root, { recursive: true, force: true })
})

const opened = () =>
  ServingView.open({ folder, logId: 'log', bounds: UNBOUNDED, tombstones, clock, freeBytes: () => freeBytes })
const store = () => new ViewStore({ folder: root, open: null, pause: nextTurn })

function apply(events: readonly NostrEvent[]): void {
  const logged = events.map((event) => ({ event, json: eventJson(event), partition: 0, offset: offset++ }))
  view.apply({ events: logged, nextOffsets: new Map([[0, offset]]) })
}

/** Notes of all sizes, some on pages of their own, in transactions of 50; every third is to be erased. */
function fill(from: number, count: number): void {
  const next = random(SEED + from)
  const notes = Array.from({ length: count }, (_, n) => {
    const size = next() < 0.1 ? next() * 60_000 : next() * 4_000
    const isKept = n % 3 !== 0
    const word = isKept ? 'otherthings ' : `${NEEDLE} `
    const event = unsigned(
      {
        kind: n % 7 === 0 ? 0 : 1,
        created_at: 1_000 + from + n,
        content: word.repeat(1 + size / word.length),
      },
      isKept ? kept : erased,
    )
    return event as NostrEvent
  })
  for (let at = 0; at < count; at += 50) apply(notes.slice(at, at + 50))
}

async function vanish(): Promise<void> {
  tombstones.apply(vanishing)
  await view.erase(vanishing, async () => {}, 20)
}

async function compact(...readers: ViewReader[]): Promise<void> {
  unwrap(await view.compact(nextTurn))
  for (const reader of readers) await reader.follow()
  await view.removeLeft()
}

const traces = async () => unwrap(await store().verify(subject)).traces.length
const oldestMs = async () => unwrap(await store().oldestTraceMs())

test(`what is erased lies in the file until a compaction, and then nowhere (seed ${SEED})`, async () => {
  fill(0, 1_500)
  expect(await oldestMs()).toBeNull()
  await vanish()
  // More comes, so that pages are used again.
  apply(
    Array.from({ length: 200 }, (_, n) =>
      unsigned({ kind: 1, created_at: 9_000 + n, content: 'x'.repeat(n * 50) }, kept),
    ),
  )
  expect(idsOf(view).length).toBeGreaterThan(500)
  // Pages that are free now are overwritten in part: the scan must find the rest.
  expect(await traces()).toBe(100)
  expect([view.erasedSinceMs, await oldestMs()]).toEqual([5_000, 5_000])
  const before = await contentsAndIds()
  await compact()
  expect(await traces()).toBe(0)
  expect([view.erasedSinceMs, await oldestMs(), generationsIn(folder)]).toEqual([null, null, [2]])
  expect(await contentsAndIds()).toEqual(before)
})

async function contentsAndIds() {
  const ids = idsOf(view)
  await view.close()
  const contents = await contentsOf(folder)
  view = await opened()
  expect(idsOf(view)).toEqual(ids)
  return contents
}

test('versions that were superseded before their author vanished are gone as well', async () => {
  const profile = (created_at: number) =>
    unsigned({ kind: 0, created_at, content: `${NEEDLE} ${created_at}` }, erased)
  apply([profile(1_000)])
  apply([profile(1_001)])
  apply([unsigned({ kind: 0, created_at: 2_000_000, content: 'after the request' }, erased)])
  // Nothing is there to be taken out, but the file holds it.
  expect([view.erasedSinceMs, await traces()]).toEqual([null, expect.any(Number)])
  expect(await traces()).toBeGreaterThan(0)
  await vanish()
  expect(view.erasedSinceMs).toBe(5_000)
  await compact()
  expect([await traces(), idsOf(view).length]).toEqual([0, 1])
})

test('an address in doubt names no event in the bytes, and its end counts as an erasure', async () => {
  const profile = unsigned({ kind: 0, created_at: 1_000, content: NEEDLE }, erased)
  apply([profile])
  const target = { type: 'event', id: profile.id } as const
  const tombstone: Tombstone = { ...vanishing, target, reason: 'deletion' }
  tombstones.apply(tombstone)
  await view.erase(tombstone, nextTurn)
  await compact()
  const [doubt] = view.doubts
  expect(doubt?.id).toBe(profile.id)
  const found = unwrap(await store().verify({ target, needles: [NEEDLE] })).traces
  expect([found, view.erasedSinceMs]).toEqual([[], null])
  view.settle(doubt === undefined ? [] : [{ doubt, version: null }])
  expect([view.doubts, view.erasedSinceMs]).toEqual([[], 5_000])
})

test('two compactions in a row, with erasures between the copy and the removal of the file before', async () => {
  const reader = ViewReader.attach(folder, viewMapBytes(UNBOUNDED), tombstones)
  fill(0, 300)
  unwrap(await view.compact(nextTurn))
  await vanish()
  // The file before still has them, and so does the new one.
  expect([view.erasedSinceMs, await oldestMs(), generationsIn(folder)]).toEqual([5_000, 5_000, [1, 2]])
  await reader.follow()
  await view.removeLeft()
  expect([view.erasedSinceMs, await oldestMs(), await traces()]).toEqual([5_000, 5_000, 100])
  await compact(reader)
  expect([view.erasedSinceMs, await oldestMs(), await traces()]).toEqual([null, null, 0])
  reader.refresh()
  expect(idsOf(reader)).toEqual(idsOf(view))
  expect(generationsIn(folder)).toEqual([3])
  await reader.close()
})

test('a restart forgets neither the erasure nor the file', async () => {
  fill(0, 100)
  await vanish()
  await view.close()
  clock.advanceMs(1_000)
  view = await opened()
  expect(view.erasedSinceMs).toBe(5_000)
  await compact()
  await view.close()
  view = await opened()
  expect([view.erasedSinceMs, await traces()]).toEqual([null, 0])
})

test('no copy is begun that the disk has no room for, and one that fails leaves all as it was', async () => {
  fill(0, 100)
  await vanish()
  const ids = idsOf(view)
  freeBytes = 4_096
  const refused = await view.compact(nextTurn)
  expect(refused.ok ? null : refused.fault.problem).toBe('disk-full')
  freeBytes = 2 ** 40
  const cut = await view.compact(() => Promise.reject(new Error('no space left')))
  expect(cut.ok ? null : cut.fault.problem).toBe('failed')
  expect([generationsIn(folder), idsOf(view), view.erasedSinceMs]).toEqual([[1], ids, 5_000])
  await compact()
  expect(await traces()).toBe(0)
})

test('nothing is written while the view is copied', async () => {
  fill(0, 100)
  const compacting = view.compact(nextTurn)
  expect(() => view.markTombstones(new Map([[0, 1]]))).toThrow(/nothing is written/)
  unwrap(await compacting)
  await view.removeLeft()
})

test('the store answers for the folders of views, and finds a file of the old layout', async () => {
  fill(0, 30)
  expect(
    ['folder:views', 'folder:views/edge-1', 'folder:viewsofothers', 'folder:kafka'].map((at) =>
      store().claims(at),
    ),
  ).toEqual([true, true, false, false])
  const own = new ViewStore({ folder, open: { view, tombstones }, pause: nextTurn })
  unwrap(await own.erase([vanishing]))
  expect(unwrap(await own.oldestTraceMs())).toBe(5_000)
  expect((await store().erase([vanishing])).ok).toBe(false)
  const { traces: found, examined } = unwrap(await store().verify(subject))
  expect(found[0]?.place).toMatch(/edge\/1\/data\.mdb:\d+$/)
  expect(examined).toMatch(/^\d+ files, \d/)
  expect(
    unwrap(await new ViewStore({ folder: join(root, 'none'), open: null, pause: nextTurn }).verify(subject)),
  ).toEqual({
    traces: [],
    examined: '0 files, 0.0 MiB',
    notVerifiable: null,
  })
  expect(existsSync(join(folder, '1', 'data.mdb')) && readFileSync(join(folder, 'current'), 'utf8')).toBe('1')
})
