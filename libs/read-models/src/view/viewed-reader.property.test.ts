import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServingView, ViewReader } from '@millrace/event-store'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Overlay } from '../overlay/overlay.ts'
import { Doubts } from './doubts.ts'
import { NaiveBelow } from './testing/naive-below.ts'
import { PARTITIONS } from './testing/naive-history.ts'
import { expectAdmissionFacts, expectAnswer, readerOf } from './testing/questions.ts'
import { newTally, type Tally } from './testing/tally.ts'
import { ViewedWorld } from './testing/viewed-world.ts'

const QUESTIONS = Number(process.env['VIEWED_READER_QUESTIONS'] ?? 1_000)
const SEED = Number(process.env['VIEWED_READER_SEED'] ?? Math.floor(Math.random() * 1e9))
/** Some bugs show in one world of many: these worlds show them all within a few thousand questions. */
const BUG_SEED = 200
const QUESTIONS_PER_STEP = 2

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-viewed-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What was asked, so that the test can tell that it says something. */
const newCounts = () => ({ questions: 0, events: 0, below: 0, now: 0, nowEvents: 0, versions: 0, whole: 0 })
type Counts = ReturnType<typeof newCounts>

/** Which of its doubts are over when the view serves, has no horizon, and no address is in doubt; null: it is not so. */
function wholeSince(world: ViewedWorld): number | null {
  if (world.serving() === null || !world.overlay.followsView) return null
  const { regular, versioned, addressesInDoubt, doubtsVersion } = world.view.state
  const hasAll = regular.horizon === null && versioned.horizon === null && addressesInDoubt === 0
  return hasAll ? doubtsVersion : null
}

async function ask(world: ViewedWorld, counts: Counts): Promise<void> {
  const below = new NaiveBelow(world)
  const before = wholeSince(world)
  const { expected, now } = await expectAnswer(world, readerOf(world, below))
  const isWhole = before !== null && before === wholeSince(world)
  if (isWhole) expect(below.calls, 'asked below a view that has everything').toBe(0)
  counts.whole += Number(isWhole)
  counts.questions++
  counts.events += expected
  counts.now += Number(now !== null)
  counts.nowEvents += now ?? 0
  counts.below += Number(below.calls > 0)
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
    counts.versions += await expectAdmissionFacts(world, readerOf(world, new NaiveBelow(world)))
  }
  await world.settle()
  expect(world.overlay.events, 'left in the overlay').toBe(0)
  expect(world.view.doubts, 'left in doubt').toEqual([])
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
    expect(per(counts.whole)).toBeGreaterThan(0.02)
    expect(tally.addressesInDoubt).toBeGreaterThan(0)
    expect(tally.doubtsSettled).toBeGreaterThan(0)
    expect(tally.broughtBack).toBeGreaterThan(0)
  }, 36_000_000)
})

describe('a bug is caught', () => {
  afterEach(() => void vi.restoreAllMocks())

  const everywhere = new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 1_000_000]))
  const releaseViewed = Overlay.prototype.releaseViewed
  const evict = ServingView.prototype.evict
  const page = ViewReader.prototype.page
  const resolve = Doubts.prototype.resolve
  const settle = ServingView.prototype.settle

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
      'the store is believed before it has what the view has met',
      () => {
        vi.spyOn(ViewedWorld.prototype, 'storedOffsets').mockReturnValue(everywhere)
        return vi.spyOn(Doubts.prototype, 'resolve').mockImplementation(function (this: Doubts) {
          return resolve.call(this, everywhere)
        })
      },
    ],
    [
      'nothing is said to rule an address in doubt',
      () =>
        vi.spyOn(ServingView.prototype, 'settle').mockImplementation(function (this: ServingView, given) {
          return settle.call(
            this,
            given.map(({ doubt }) => ({ doubt, version: null })),
          )
        }),
    ],
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
    await expect(compare(12_000, BUG_SEED)).rejects.toThrow(/^seed \d+: /)
  })
})
