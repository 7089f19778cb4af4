import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServingView, ViewReader } from '@millrace/event-store'
import { unwrap } from '@millrace/kernel'
import { addressOf, type Filter, parseFilter } from '@millrace/nostr'
import {
  AUTHORS,
  arbitraryFilter,
  EPOCH_S,
  type NaiveFilter,
  type SignedEvent,
  SPAN_S,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ReadContext } from '../event-reader.ts'
import { Overlay } from '../overlay/overlay.ts'
import { NaiveBelow } from './testing/naive-below.ts'
import { PARTITIONS } from './testing/naive-history.ts'
import { newTally, type Tally, ViewedWorld } from './testing/viewed-world.ts'
import { ViewedReader } from './viewed-reader.ts'

const QUESTIONS = Number(process.env['VIEWED_READER_QUESTIONS'] ?? 1_500)
const SEED = Number(process.env['VIEWED_READER_SEED'] ?? Math.floor(Math.random() * 1e9))
const QUESTIONS_PER_STEP = 2
const MISS = 'f'.repeat(64)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-viewed-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What was asked, so that the test can tell that it says something. */
const newCounts = () => ({ questions: 0, events: 0, below: 0, now: 0, nowEvents: 0, versions: 0 })
type Counts = ReturnType<typeof newCounts>

const pick = (world: ViewedWorld, ...values: number[]): number =>
  values[Math.floor(world.random() * values.length)] ?? 0

function readerOf(world: ViewedWorld): { reader: ViewedReader; below: NaiveBelow } {
  const below = new NaiveBelow(world)
  const reader = new ViewedReader({
    overlay: world.overlay,
    tombstones: world.history.tombstones,
    view: world.serving,
    isBehind: world.isBehind,
    below,
    limits: {
      sliceMs: pick(world, 0, 1_000, 1_000),
      pageRowsMax: pick(world, 1, 2, 3, 500, 500, 500),
      pageBytesMax: pick(world, 1_000, 1_000_000),
    },
  })
  return { reader, below }
}

function questionOf(world: ViewedWorld): { asked: NaiveFilter[]; filters: Filter[]; context: ReadContext } {
  const events = world.history.log.slice(-60).map(({ event }) => event as SignedEvent)
  const options = { numRuns: 1 + Math.floor(world.random() * 4), seed: Math.floor(world.random() * 2 ** 31) }
  const any = fc.sample(arbitraryFilter(events), options).filter((filter) => parseFilter(filter).ok)
  // Many are cut short, because that is where readers go wrong.
  const asked = any.map((filter) =>
    world.random() < 0.5 ? filter : { ...filter, limit: pick(world, 1, 2, 3, 5, 8) },
  )
  const filters = asked.map((filter) => unwrap(parseFilter(filter)))
  const authedPubkeys = new Set(AUTHORS.filter(() => world.random() < 0.3))
  return { asked, filters, context: { authedPubkeys, nowS: EPOCH_S + Math.floor(world.random() * SPAN_S) } }
}

const idsOf = (events: readonly { readonly id: string }[]): string => events.map(({ id }) => id).join('\n')

async function ask(world: ViewedWorld, counts: Counts): Promise<void> {
  const { asked, filters, context } = questionOf(world)
  const { reader, below } = readerOf(world)
  const expected = world.history.naive().query(asked, context.nowS, context.authedPubkeys)
  const said = JSON.stringify(asked)
  const now = reader.answerNow(filters, context)
  if (now !== null) expect(idsOf(now), `at once ${said}`).toBe(idsOf(expected))
  const served = []
  for await (const chunk of reader.query(filters, context)) {
    served.push(...unwrap(chunk))
    await world.pause()
  }
  expect(idsOf(served), said).toBe(idsOf(expected))
  expect(served.map(({ json }) => JSON.parse(json) as unknown)).toEqual(expected)
  counts.questions++
  counts.events += expected.length
  counts.now += Number(now !== null)
  counts.nowEvents += now?.length ?? 0
  counts.below += Number(below.calls > 0)
}

/** What admission asks: every event that rules or is not erased is known, and nothing else rules. */
async function askForAdmission(world: ViewedWorld, counts: Counts): Promise<void> {
  const { reader } = readerOf(world)
  const naive = world.history.naive()
  const byId = new Map(world.history.log.map(({ event }) => [event.id, event]))
  const known = unwrap(await reader.lookup([...byId.keys(), MISS]))
  for (const [id, { json }] of known) expect(JSON.parse(json)).toEqual(byId.get(id))
  for (const { id } of naive.current()) expect([...known.keys()], 'looked up').toContain(id)
  const addresses = [...new Set([...byId.values()].map(addressOf).filter((address) => address !== null))]
  const versions = unwrap(await reader.currentVersions(addresses))
  const current = new Map(naive.current().map((event) => [addressOf(event), event.id]))
  for (const address of addresses) {
    const version = byId.get(versions.get(address)?.id ?? '')
    // A version at or below its floor may be named: admission checks the floor itself.
    const ruling =
      version !== undefined && !world.history.tombstones.isBelowFloor(version) ? version.id : undefined
    expect(ruling, address).toBe(current.get(address))
  }
  counts.versions += current.size
}

/** Runs worlds of rising seeds until so many questions were answered rightly. */
async function compare(questions: number, seed = SEED): Promise<{ counts: Counts; tally: Tally }> {
  const counts = newCounts()
  const tally = newTally()
  for (let next = seed; counts.questions < questions; next++) {
    const world = new ViewedWorld(next, join(folder, String(next)), tally)
    try {
      await world.open()
      await askAlong(world, counts)
    } catch (cause) {
      throw new Error(`seed ${next}: ${String(cause)}`, { cause })
    } finally {
      await world.close()
      rmSync(join(folder, String(next)), { recursive: true, force: true })
    }
  }
  return { counts, tally }
}

async function askAlong(world: ViewedWorld, counts: Counts): Promise<void> {
  while (!world.history.isDone) {
    await world.step()
    for (let count = 0; count < QUESTIONS_PER_STEP; count++) await ask(world, counts)
    await askForAdmission(world, counts)
  }
  await world.settle()
  expect(world.overlay.events, 'left in the overlay').toBe(0)
  await ask(world, counts)
}

describe(`overlay, view and store answer as one naive relay does (seed ${SEED})`, () => {
  test('wherever each of them is, and while they move', async () => {
    const { counts, tally } = await compare(QUESTIONS)
    const per = (count: number) => count / counts.questions
    expect(per(counts.events)).toBeGreaterThan(5)
    expect(per(counts.versions)).toBeGreaterThan(1)
    expect(per(counts.below)).toBeGreaterThan(0.2)
    expect(per(counts.now)).toBeGreaterThan(0.03)
    expect(per(counts.nowEvents)).toBeGreaterThan(0.2)
    expect(per(tally.letGoUnstored)).toBeGreaterThan(0.2)
    expect(per(tally.storageAhead)).toBeGreaterThan(0.1)
    expect(per(tally.evicted)).toBeGreaterThan(0.03)
    expect(tally.restarts).toBeGreaterThan(0)
    expect(tally.rebuilds).toBeGreaterThan(0)
    expect(tally.addressesInDoubt).toBeGreaterThan(0)
    expect(tally.broughtBack).toBeGreaterThan(0)
  }, 36_000_000)
})

describe('a bug is caught', () => {
  afterEach(() => void vi.restoreAllMocks())

  const everywhere = new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 1_000_000]))
  const releaseViewed = Overlay.prototype.releaseViewed
  const evict = ServingView.prototype.evict
  const page = ViewReader.prototype.page

  test.each<[string, () => unknown]>([
    [
      'what the view leaves to storage leaves the overlay',
      () => vi.spyOn(ViewReader.prototype, 'isSettled').mockReturnValue(true),
    ],
    [
      'storage lets go of what the view has not applied',
      () =>
        vi.spyOn(Overlay.prototype, 'releaseViewed').mockImplementation(function (
          this: Overlay,
          _,
          isSettled,
        ) {
          releaseViewed.call(this, everywhere, isSettled)
        }),
    ],
    [
      'events leave the view before storage has them',
      () =>
        vi.spyOn(ServingView.prototype, 'evict').mockImplementation(function (this: ServingView, nowS) {
          return evict.call(this, nowS, () => true)
        }),
    ],
    ['the horizon is not seen', () => vi.spyOn(ViewReader.prototype, 'horizonFor').mockReturnValue(null)],
    ['doubt is not seen', () => vi.spyOn(ViewReader.prototype, 'isInDoubt').mockReturnValue(false)],
    [
      'one class of events ends at the horizon of the other',
      () => vi.spyOn(ViewReader.prototype, 'reachesBelowHorizon').mockReturnValue(false),
    ],
    [
      'the view does not say which version rules',
      () => vi.spyOn(ViewReader.prototype, 'winner').mockReturnValue(undefined),
    ],
    [
      'a tombstone that only the edge knows is not obeyed',
      () =>
        vi.spyOn(ViewReader.prototype, 'page').mockImplementation(function (this: ViewReader, ...given) {
          const [filter, after, context, limits] = given
          return page.call(this, filter, after, context, limits, false)
        }),
    ],
  ])('%s', async (_, seedBug) => {
    seedBug()
    await expect(compare(5_000, 1)).rejects.toThrow(/^seed \d+: /)
  })
})
