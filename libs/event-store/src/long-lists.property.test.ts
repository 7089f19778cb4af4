import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Filter, type NostrEvent, TombstoneSet } from '@millrace/nostr'
import { type NaiveFilter, naiveMatches, type SignedEvent, servedFirst } from '@millrace/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { MergedCursor } from './merged-cursor.ts'
import type { Position } from './postings.ts'
import { ServingView } from './serving-view.ts'
import { random, UNBOUNDED } from './testing/world.ts'

const EVENTS = 6_000
const QUESTIONS = 400
const SEED = Math.floor(Math.random() * 1e9)
const ANYBODY = { authedPubkeys: new Set<string>(), nowS: 0 }
const AUTHORS = ['a', 'b', 'c'].map((letter) => letter.repeat(64))
const VALUES = ['x', 'y', 'z'] as const
/** On the oldest events alone: to get there the other list has far to go. */
const OLD = 'old'
const OLD_EVENTS = 300

const folder = mkdtempSync(join(tmpdir(), 'millrace-lists-'))
const events: NostrEvent[] = []
let view: ServingView

/** Few authors and tags and many ties: every list has dozens of chunks, and most questions need two of them. */
function eventOf(index: number, next: () => number): NostrEvent {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T
  const isOld = index < OLD_EVENTS
  const tags = ['t', 'e', 't'].filter(() => next() < 0.6).map((letter) => [letter, pick(VALUES)])
  return {
    id: createHash('sha256').update(`${SEED} ${index}`).digest('hex'),
    pubkey: pick(AUTHORS),
    created_at: isOld ? 1_000 : 1_001 + Math.floor(next() * 1_000),
    kind: pick([1, 1, 1, 7]),
    tags: isOld ? [...tags, ['t', OLD]] : tags,
    content: '',
    sig: 'f'.repeat(128),
  }
}

beforeAll(async () => {
  const next = random(SEED)
  view = await ServingView.open({ folder, logId: 'log', bounds: UNBOUNDED, tombstones: new TombstoneSet() })
  for (let index = 0; index < EVENTS; index++) events.push(eventOf(index, next))
  for (let from = 0; from < EVENTS; from += 500) {
    const batch = events.slice(from, from + 500)
    const logged = batch.map((event, at) => ({
      event,
      json: JSON.stringify(event),
      partition: 0,
      offset: from + at,
    }))
    view.apply({ events: logged, nextOffsets: new Map([[0, from + batch.length]]) })
  }
})

afterAll(async () => {
  await view?.close()
  rmSync(folder, { recursive: true, force: true })
})

function filterOf(next: () => number): Filter {
  const some = (values: readonly string[]) => values.filter(() => next() < 0.4)
  const listed = (values: readonly string[]) => [some(values), values].find(({ length }) => length > 0) ?? []
  const tags: Record<string, readonly string[]> = {}
  for (const letter of ['t', 'e']) if (next() < 0.7) tags[letter] = next() < 0.1 ? [OLD] : listed(VALUES)
  const sinceS = 1_000 + Math.floor(next() * 1_000)
  return {
    tags,
    ...(next() < 0.7 ? { authors: listed(AUTHORS) } : {}),
    ...(next() < 0.3 ? { kinds: next() < 0.5 ? [1] : [1, 7] } : {}),
    ...(next() < 0.3 ? { since: sinceS } : {}),
    ...(next() < 0.3 ? { until: sinceS + 200 } : {}),
  }
}

/** Page by page, cut by count and by time. */
function read(filter: Filter, next: () => number): string[] {
  const found: string[] = []
  let after: Position | null = null
  for (let page = 0; page < 100_000; page++) {
    const limits = {
      eventsMax: 1 + Math.floor(next() * 300),
      bytesMax: 1_000_000,
      sliceMs: next() < 0.5 ? 0 : 1_000,
    }
    const { events: stored, endsAt } = view.page(filter, after, ANYBODY, limits)
    for (const { id } of stored) found.push(id)
    if (endsAt === null) return found
    after = endsAt
  }
  throw new Error('a scan without an end')
}

/** Answers how many events were compared. */
function compare(questions: number): number {
  const next = random(SEED + 1)
  const inOrder = (events as SignedEvent[]).toSorted(servedFirst)
  let compared = 0
  for (let question = 0; question < questions; question++) {
    const { tags, ...rest } = filterOf(next)
    const asked = {
      ...rest,
      ...Object.fromEntries(Object.entries(tags).map(([letter, values]) => [`#${letter}`, values])),
    }
    const expected = inOrder.filter((event) => naiveMatches(asked as NaiveFilter, event)).map(({ id }) => id)
    expect(read({ ...rest, tags }, next), JSON.stringify(asked)).toEqual(expected)
    compared += expected.length
  }
  return compared
}

describe(`lists of thousands of entries, two for a filter (seed ${SEED})`, () => {
  afterEach(() => void vi.restoreAllMocks())

  test('are answered as the naive matcher does', () => {
    const meets = vi.spyOn(MergedCursor.prototype, 'meets')
    expect(compare(QUESTIONS)).toBeGreaterThan(QUESTIONS)
    const answers = new Set(meets.mock.results.map(({ value }) => value as boolean | null))
    expect(answers).toEqual(new Set([true, false, null]))
  }, 120_000)

  test('a bug is caught: an event of both is taken for one of the first alone', () => {
    vi.spyOn(MergedCursor.prototype, 'meets').mockReturnValue(false)
    expect(() => compare(QUESTIONS)).toThrow(/expected/)
  })

  test('a bug is caught: what is far away is taken for what is not there', () => {
    const { meets } = MergedCursor.prototype
    vi.spyOn(MergedCursor.prototype, 'meets').mockImplementation(function (this: MergedCursor, ...asked) {
      return meets.apply(this, asked) ?? false
    })
    expect(() => compare(QUESTIONS)).toThrow(/expected/)
  })
})
