import {
  arbitraryEvent,
  arbitraryFilter,
  type NaiveFilter,
  NaiveRelay,
  type SignedEvent,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Corpus } from '../corpus/corpus.ts'
import { idKey } from '../corpus/id-key.ts'
import { corpusOf } from '../testing/small-corpus.ts'
import type { BenchFilter } from './filter.ts'
import { type Answer, Oracle } from './oracle.ts'

const NOW_S = 1_800_000_000
const OTHER_KINDS = new Set([5, 62])
const LEFT_OUT_TAGS = new Set(['expiration', '-'])
/** A corpus knows ids by their first digits; NaN never gets there. */
const STRANGER = '0123456789abcdef'.repeat(4)

/** Events as a corpus holds them: kept by relays, each id once, what NIP-01 serves first coming last. */
const arbitraryEvents = (kinds?: readonly number[]): fc.Arbitrary<SignedEvent[]> =>
  fc
    .array(arbitraryEvent(kinds === undefined ? {} : { kinds }), { minLength: 1, maxLength: 40 })
    .map((events) => {
      const kept = new Map<string, SignedEvent>()
      for (const event of events) {
        const isStored = event.kind < 20_000 || event.kind >= 30_000
        const tags = event.tags.filter(([name]) => !LEFT_OUT_TAGS.has(name ?? ''))
        const isWrapToNobody = event.kind === 1059 && new NaiveRelay().admit(event, 0) !== 'stored'
        if (isStored && !isWrapToNobody && !OTHER_KINDS.has(event.kind))
          kept.set(event.id, { ...event, tags })
      }
      return [...kept.values()].sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? 1 : -1))
    })
    .filter((events) => events.length > 0)

/** The fields that the bench asks with. */
function benchFilter({ '#d': _d, '#T': _T, ...filter }: NaiveFilter): BenchFilter {
  return filter as BenchFilter
}

const arbitraryCase = fc.tuple(arbitraryEvents(), fc.nat(), fc.nat()).chain(([events, n, m]) =>
  fc.record({
    events: fc.constant(events),
    filters: fc.array(arbitraryFilter(events).map(benchFilter), { minLength: 1, maxLength: 3 }),
    n: fc.constant(n),
    m: fc.constant(m),
  }),
)

const answerOf = (
  filters: readonly BenchFilter[],
  events: readonly SignedEvent[],
  corpus: Corpus,
): Answer => ({
  filters,
  keys: Float64Array.from(events, ({ id }) => idKey(id)),
  ackedBefore: corpus.count,
  sentBefore: corpus.count,
})

function naiveAnswer(events: readonly SignedEvent[], filters: readonly BenchFilter[]): SignedEvent[] {
  const relay = new NaiveRelay()
  for (const event of events) relay.admit(event, NOW_S)
  return relay.query(filters as readonly NaiveFilter[], NOW_S)
}

test('what the naive relay answers is right', () => {
  fc.assert(
    fc.property(arbitraryCase, ({ events, filters }) => {
      const corpus = corpusOf(events)
      expect(
        new Oracle(corpus, 'hidden').fault(answerOf(filters, naiveAnswer(events, filters), corpus)),
      ).toBeNull()
    }),
    { numRuns: 3_000 },
  )
})

test('an answer that lacks an event, has one too many or one twice is wrong', () => {
  fc.assert(
    fc.property(arbitraryCase, ({ events, filters, n, m }) => {
      const corpus = corpusOf(events)
      const oracle = new Oracle(corpus, 'hidden')
      const right = naiveAnswer(events, filters)
      const fault = (answer: readonly SignedEvent[]) => oracle.fault(answerOf(filters, answer, corpus))
      const other = events[m % events.length] as SignedEvent
      const one = right[n % Math.max(1, right.length)]
      if (!right.includes(other)) expect(fault([...right, other])).not.toBeNull()
      expect(fault([...right, { ...other, id: STRANGER }])).not.toBeNull()
      if (one === undefined) return
      expect(fault(right.filter((event) => event !== one))).not.toBeNull()
      expect(fault([...right, one])).not.toBeNull()
      const isExchangeable = events.some((event) => event !== one && event.created_at === one.created_at)
      if (!isExchangeable && !right.includes(other))
        expect(fault(right.map((event) => (event === one ? other : event)))).not.toBeNull()
    }),
    { numRuns: 2_000 },
  )
})

test('a limited filter wants the newest first, and only it', () => {
  fc.assert(
    fc.property(arbitraryEvents([1]), (events) => {
      const corpus = corpusOf(events)
      const oracle = new Oracle(corpus, 'hidden')
      const backwards = naiveAnswer(events, [{}]).reverse()
      const hasOrder = new Set(events.map(({ created_at }) => created_at)).size > 1
      const limited = oracle.fault(answerOf([{ limit: 500 }], backwards, corpus))
      expect(limited === null).toBe(!hasOrder)
      expect(oracle.fault(answerOf([{}], backwards, corpus))).toBeNull()
      expect(oracle.fault(answerOf([{ limit: 500 }, { kinds: [1] }], backwards, corpus))).toBeNull()
    }),
    { numRuns: 500 },
  )
})

test('events under way may be in an answer, acknowledged ones must', () => {
  const arbitrary = fc
    .tuple(
      arbitraryEvents([1, 7, 42]),
      fc.nat(),
      fc.nat(),
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    )
    .chain(([events, a, b, arrived]) => {
      const [acked = 0, sent = 0] = [a, b].map((n) => n % (events.length + 1)).sort((x, y) => x - y)
      const filters = fc.array(arbitraryFilter(events).map(benchFilter), { minLength: 1, maxLength: 2 })
      return filters.map((asked) => ({ events, acked, sent, arrived, filters: asked }))
    })
  fc.assert(
    fc.property(arbitrary, ({ events, acked, sent, arrived, filters }) => {
      const corpus = corpusOf(events)
      const oracle = new Oracle(corpus, 'hidden')
      const there = events.filter((_, at) => at < acked || (at < sent && arrived[at]))
      const presence = { ackedBefore: acked, sentBefore: sent }
      const answer = { ...answerOf(filters, naiveAnswer(there, filters), corpus), ...presence }
      expect(oracle.fault(answer)).toBeNull()
      const tooEarly = events.slice(sent).find((event) => naiveAnswer([event], filters).length > 0)
      if (tooEarly === undefined) return
      const early = { ...answerOf(filters, [...naiveAnswer(there, filters), tooEarly], corpus), ...presence }
      expect(oracle.fault(early)).toMatch(/did not publish/)
    }),
    { numRuns: 2_000 },
  )
})

test('private kinds: shown, hidden, or hidden only after the limit has cut', () => {
  const author = 'a'.repeat(64)
  const event = (n: number, kind: number): SignedEvent => ({
    id: n.toString(16).padStart(64, '0').split('').reverse().join(''),
    pubkey: author,
    created_at: n,
    kind,
    tags: [],
    content: '',
    sig: '0'.repeat(128),
  })
  const events = [event(1, 1), event(2, 4), event(3, 1)]
  const corpus = corpusOf(events)
  const filters = [{ authors: [author], limit: 2 }]
  const [oldest, secret, newest] = events as [SignedEvent, SignedEvent, SignedEvent]
  const answers = { both: [newest, oldest], withSecret: [newest, secret], short: [newest] }
  const right = (privacy: ConstructorParameters<typeof Oracle>[1]) =>
    Object.entries(answers)
      .filter(([, answer]) => new Oracle(corpus, privacy).fault(answerOf(filters, answer, corpus)) === null)
      .map(([name]) => name)
  expect(right('hidden')).toEqual(['both'])
  expect(right('shown')).toEqual(['withSecret'])
  expect(right('hidden after the limit')).toEqual(['short'])
})
