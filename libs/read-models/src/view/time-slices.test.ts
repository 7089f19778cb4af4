import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoggedEvent, ServingView } from '@millrace/event-store'
import { unwrap } from '@millrace/kernel'
import { type Filter, type NostrEvent, TombstoneSet } from '@millrace/nostr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Overlay } from '../overlay/overlay.ts'
import { answerNow } from './testing/answer-now.ts'
import { nothingBelow } from './testing/nothing-below.ts'
import { ViewedReader } from './viewed-reader.ts'
import { VIEWED_READER_LIMITS } from './viewed-reader-parts.ts'

const EVENTS = 200_000
const BATCH_EVENTS = 10_000
const GROUPS = 5_000
// Of CPU time, while a slice is of wall time: four times what one may take, on a busy machine too.
const LONG_MS = 20
const AUTHOR = 'a'.repeat(64)
const anonymous = { authedPubkeys: new Set<string>(), nowS: 2_000_000_000 }

const folder = mkdtempSync(join(tmpdir(), 'millrace-slices-'))
let view: ServingView

/** Private messages, which nobody may read here; every other one has a `t`, the others an `r`, and each one of many `g`s. */
function logged(offset: number): LoggedEvent {
  const event: NostrEvent = {
    id: offset.toString(16).padStart(64, '0'),
    pubkey: AUTHOR,
    created_at: 1_700_000_000 + (offset >> 3),
    kind: 4,
    tags: [
      [offset % 2 === 0 ? 't' : 'r', 'x'],
      ['g', `${offset % GROUPS}`],
    ],
    content: '',
    sig: 'b'.repeat(128),
  }
  return { event, json: JSON.stringify(event), partition: 0, offset }
}

beforeAll(async () => {
  const bounds = { viewBytesMax: 2 ** 32, viewWinnersBytesMax: 2 ** 32, viewAgeDaysMax: 0 }
  view = await ServingView.open({ folder, logId: 'log', bounds, tombstones: new TombstoneSet() })
  for (let from = 0; from < EVENTS; from += BATCH_EVENTS) {
    const events = Array.from({ length: BATCH_EVENTS }, (_, index) => logged(from + index))
    view.apply({ events, nextOffsets: new Map([[0, from + BATCH_EVENTS]]) })
  }
}, 180_000)

afterAll(async () => {
  await view?.close()
  rmSync(folder, { recursive: true, force: true })
})

function readerWith(sliceMs: number, scanValuesMax = VIEWED_READER_LIMITS.scanValuesMax): ViewedReader {
  const overlay = new Overlay({ overlayEventsMax: 10, overlayBytesMax: 1 << 20 })
  overlay.releaseViewed(view.positions, (event) => view.isSettled(event))
  const limits = { ...VIEWED_READER_LIMITS, sliceMs, scanValuesMax }
  return new ViewedReader({
    overlay,
    tombstones: new TombstoneSet(),
    view: () => view,
    below: nothingBelow,
    limits,
  })
}

/** CPU time of this thread: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Asks as a session does, and answers how long each turn of the event loop took meanwhile, milliseconds of CPU, longest first. */
async function turnsOf(reader: ViewedReader, filters: readonly Filter[]): Promise<readonly number[]> {
  const turnsMs: number[] = []
  let lastMs = cpuMs()
  let isOver = false
  const onTurn = () => {
    const nowMs = cpuMs()
    turnsMs.push(nowMs - lastMs)
    lastMs = nowMs
    if (!isOver) setImmediate(onTurn)
  }
  setImmediate(onTurn)
  expect(answerNow(reader, filters, anonymous)).toBeNull()
  for await (const chunk of reader.query(filters, anonymous)) expect(unwrap(chunk)).toEqual([])
  isOver = true
  await new Promise((resolve) => setImmediate(resolve))
  return turnsMs.sort((a, b) => b - a)
}

const filters: readonly (readonly [string, readonly Filter[]])[] = [
  ['one kind that nobody may read', [{ kinds: [4], tags: {} }]],
  ['an author without kinds', [{ authors: [AUTHOR], tags: {} }]],
  ['two tags that no event has both of', [{ tags: { t: ['x'], r: ['x'] } }]],
  ['everything, by three filters', [1, 2, 3].map((limit) => ({ limit, tags: {} }))],
]

describe(`a REQ that passes over ${EVENTS} events`, () => {
  test.each(filters)(
    '%s: nobody else waits long',
    async (_, asked) => {
      const turns = await turnsOf(readerWith(VIEWED_READER_LIMITS.sliceMs), asked)
      expect(turns.length).toBeGreaterThan(10)
      // A slice of 5 ms; the longest of all may hold a garbage collection.
      expect(turns[Math.floor(turns.length / 20)]).toBeLessThan(10)
      expect(turns[0]).toBeLessThan(40)
    },
    60_000,
  )

  test('all at once it would be felt: slices make the difference', async () => {
    const [longest] = await turnsOf(readerWith(100), [{ kinds: [4], tags: {} }])
    expect(longest).toBeGreaterThan(LONG_MS)
  }, 60_000)

  test('thousands of values are looked for in parts', async () => {
    const g = Array.from({ length: GROUPS }, (_, index) => `${index}`)
    const typicalOf = async (valuesMax: number) => {
      const turns = await turnsOf(readerWith(VIEWED_READER_LIMITS.sliceMs, valuesMax), [{ tags: { g } }])
      expect(turns.length).toBeGreaterThan(10)
      return turns[Math.floor(turns.length / 20)] ?? 0
    }
    const inParts = await typicalOf(VIEWED_READER_LIMITS.scanValuesMax)
    expect(inParts).toBeLessThan(LONG_MS)
    // Each page opens them all again.
    expect(await typicalOf(GROUPS - 1)).toBeGreaterThan(inParts)
  }, 60_000)
})
