import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LoggedEvent, ServingView, type ViewReader } from '@millrace/event-store'
import { unwrap } from '@millrace/kernel'
import { type Filter, TombstoneSet } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Overlay } from '../overlay/overlay.ts'
import { nothingBelow } from './testing/nothing-below.ts'
import { ViewedReader } from './viewed-reader.ts'
import { VIEWED_READER_LIMITS } from './viewed-reader-parts.ts'

const EVENTS = 120
const CONTENT_BYTES = 100_000
const anonymous = { authedPubkeys: new Set<string>(), nowS: 2_000_000_000 }
const { pubkey } = testKey('held pages')

const folder = mkdtempSync(join(tmpdir(), 'millrace-held-'))
let view: ServingView
let events: LoggedEvent[]

beforeAll(async () => {
  const bounds = { viewBytesMax: 2 ** 32, viewWinnersBytesMax: 2 ** 32, viewAgeDaysMax: 0 }
  view = await ServingView.open({ folder, logId: 'log', bounds, tombstones: new TombstoneSet() })
  events = Array.from({ length: EVENTS }, (_, offset) => {
    const content = `${offset}`.padEnd(CONTENT_BYTES, 'x')
    const event = {
      ...unsigned({ kind: 1, created_at: 1_000 + offset, content }, pubkey),
      sig: '00'.repeat(64),
    }
    return { event, json: JSON.stringify(event), partition: 0, offset }
  })
  view.apply({ events, nextOffsets: new Map([[0, EVENTS]]) })
})

afterAll(async () => {
  await view?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Answers a REQ; how many bytes of records were read from the view, and the most that were read ahead of what was handed out. */
async function answer(filters: readonly Filter[]) {
  let read = 0
  let handedOut = 0
  let aheadMax = 0
  const counted = new Proxy(view, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (name !== 'page') return typeof value === 'function' ? value.bind(target) : value
      return (...args: Parameters<ViewReader['page']>) => {
        const page = target.page(...args)
        for (const event of page.events) read += event.jsonBytes
        aheadMax = Math.max(aheadMax, read - handedOut * filters.length)
        return page
      }
    },
  })
  const overlay = new Overlay({ overlayEventsMax: 10, overlayBytesMax: 1 << 20 })
  overlay.releaseViewed(view.positions, () => true)
  const reader = new ViewedReader({
    overlay,
    tombstones: new TombstoneSet(),
    view: () => counted,
    below: nothingBelow,
    limits: VIEWED_READER_LIMITS,
  })
  const ids: string[] = []
  for await (const chunk of reader.query(filters, anonymous))
    for (const event of unwrap(chunk)) {
      ids.push(event.id)
      handedOut += event.json.length
    }
  return { ids, read, aheadMax }
}

const newestFirst = () => events.map(({ event }) => event.id).reverse()

test('many filters hold a page each, however much they find', async () => {
  const filters = Array.from({ length: 20 }, (): Filter => ({ kinds: [1], tags: {} }))
  const { ids, read, aheadMax } = await answer(filters)
  expect(ids).toEqual(newestFirst())
  expect(read).toBeGreaterThan(20 * EVENTS * CONTENT_BYTES)
  // A page ends with the event that fills it.
  expect(aheadMax).toBeLessThan(20 * (256 * 1024 + 2 * CONTENT_BYTES))
})

test('filters of which some find nothing for long are answered all the same', async () => {
  const filters: Filter[] = [
    { kinds: [1], until: 1_010, tags: {} },
    { kinds: [7], tags: {} },
    { kinds: [1], since: 1_100, tags: {} },
  ]
  const { ids } = await answer(filters)
  const expected = events.filter(({ event }) => event.created_at <= 1_010 || event.created_at >= 1_100)
  expect(ids).toEqual(expected.map(({ event }) => event.id).reverse())
})

test('a REQ by ids reads each event once', async () => {
  const { ids, read } = await answer([{ ids: newestFirst().sort(), tags: {} }])
  expect(ids).toEqual(newestFirst())
  expect(read).toBeLessThan(1.1 * EVENTS * (CONTENT_BYTES + 500))
})

test('many filters of thousands of values hold no more pages than there may be parts', async () => {
  const authors = [pubkey, ...Array.from({ length: 3_999 }, (_, n) => n.toString(16).padStart(64, '0'))]
  const filters = Array.from({ length: 20 }, (): Filter => ({ authors, tags: {} }))
  const { ids, aheadMax } = await answer(filters)
  expect(ids).toEqual(newestFirst())
  expect(aheadMax).toBeLessThan(64 * (256 * 1024 + 2 * CONTENT_BYTES))
})
