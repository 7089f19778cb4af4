import { unwrap } from '@millrace/kernel'
import { floorAt, type NaiveTombstone, type SignedEvent, testKey, unsigned } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventsSink } from './sink.ts'
import { type Shown, shownBy } from './testing/oracle.ts'
import { connect, emptyStore, migrateStore, recordsOf } from './testing/store.ts'

const ch = connect()
const T = 1_750_000_000
const PAST_S = T + 1
const FUTURE_S = 4_000_000_000
const STRANGER = testKey('stranger').pubkey

interface Scenario {
  readonly rule: string
  readonly events: readonly SignedEvent[]
  readonly tombstones?: readonly NaiveTombstone[]
  /** What the views show of these events, by index. */
  readonly inEvents: readonly number[]
  readonly inCurrent: readonly number[]
  readonly inTags?: readonly number[]
}

// Every scenario has an author of its own, so that all of them live in the store at once.
let authors = 0
const author = () => testKey(`author ${authors++}`).pubkey

const event = (
  pubkey: string,
  kind: number,
  after: number,
  tags: string[][] = [],
  content = '',
): SignedEvent => unsigned({ kind, created_at: T + after, tags, content }, pubkey)

const erases = (target: SignedEvent, changes: Partial<NaiveTombstone> = {}): NaiveTombstone => ({
  author: target.pubkey,
  requestId: 'f'.repeat(64),
  requestCreatedAt: T,
  target: { type: 'event', id: target.id },
  floor: null,
  reason: 'deletion',
  recordedAtMs: T * 1000,
  ...changes,
})

/** Two versions of one second, the lower id (the winner) first. */
function tie(pubkey: string): [SignedEvent, SignedEvent] {
  const [a, b] = [event(pubkey, 10002, 0, [], 'a'), event(pubkey, 10002, 0, [], 'b')]
  return a.id < b.id ? [a, b] : [b, a]
}

const a = Array.from({ length: 20 }, author)
const key = (index: number): string => a[index] ?? ''
const [lower, higher] = tie(key(1))
const articles = [
  event(key(2), 30023, 0, [['d', 'x']]),
  event(key(2), 30023, 5, [['d', 'x']]),
  event(key(2), 30023, 0, [['d', 'y']]),
]
const versions = (pubkey: string) => [event(pubkey, 0, 0), event(pubkey, 0, 5), event(pubkey, 0, 9)]
const byE = versions(key(3))
const bare = versions(key(4))
const byA = versions(key(5))
const vanishing = [event(key(6), 1, 0), event(key(6), 62, 5), event(key(6), 1, 9), event(key(6), 5, 1)]
const requests = [event(key(7), 5, 0), event(key(7), 62, 1), event(key(7), 1, 2)]
const strangers = versions(key(8))
const expired = [event(key(9), 0, 0), event(key(9), 0, 5, [['expiration', String(PAST_S)]])]
const renewed = [
  event(key(16), 30009, 0, [['d', 'e']], 'old'),
  event(
    key(16),
    30009,
    5,
    [
      ['d', 'e'],
      ['expiration', String(PAST_S)],
    ],
    'expired',
  ),
  event(key(16), 30009, 9, [['d', 'e']], 'new'),
]
const withdrawn = [event(key(17), 0, 0), event(key(17), 0, 5, [['expiration', String(PAST_S)]])]
const expiring = [
  event(key(10), 1, 0, [['expiration', String(FUTURE_S)]]),
  event(key(10), 1, 1, [['expiration', '0']]),
]
const follows = [event(key(11), 3, 0, [['p', STRANGER]]), event(key(11), 3, 5, [['p', STRANGER]])]
const secrets = [4, 13, 14, 15, 1059].map((kind) => event(key(12), kind, 0, [['p', STRANGER]]))
const tied = tie(key(13))
const spared = tie(key(15))
const farAway = [
  event(key(14), 0, 0),
  unsigned({ kind: 0, created_at: 2 ** 53 - 1, tags: [], content: '' }, key(14)),
]

const target = (pubkey: string, untilS: number) =>
  ({ type: 'address', kind: 0, pubkey, d: '', untilS }) as const
const pick = <T>(items: readonly T[], index: number): T => {
  const item = items[index]
  if (item === undefined) throw new Error(`no item ${index}`)
  return item
}

const SCENARIOS: readonly Scenario[] = [
  {
    rule: 'of two versions in one second the lowest id wins',
    events: [higher, lower],
    inEvents: [0, 1],
    inCurrent: [1],
  },
  {
    rule: 'an address has its own identifier',
    events: articles,
    inEvents: [0, 1, 2],
    inCurrent: [1, 2],
    inTags: [0, 1, 2],
  },
  {
    rule: 'deleting the winner with its floor brings no older version back',
    events: byE,
    tombstones: [erases(pick(byE, 2), { floor: floorAt(pick(byE, 2)) })],
    inEvents: [],
    inCurrent: [],
  },
  {
    rule: 'an erased event that was never a winner hides nobody',
    events: bare,
    tombstones: [erases(pick(bare, 2))],
    inEvents: [0, 1],
    inCurrent: [1],
  },
  {
    rule: 'deleting an address spares the versions after the request',
    events: byA,
    tombstones: [erases(pick(byA, 0), { target: target(key(5), T + 5) })],
    inEvents: [2],
    inCurrent: [2],
  },
  {
    rule: 'who vanishes takes everything up to then but the request to vanish',
    events: vanishing,
    tombstones: [
      erases(pick(vanishing, 0), {
        target: { type: 'pubkey', pubkey: key(6), untilS: T + 8 },
        reason: 'vanish',
      }),
    ],
    inEvents: [1, 2],
    inCurrent: [1, 2],
  },
  {
    rule: 'a kind 5 reaches neither kind 5 nor kind 62',
    events: requests,
    tombstones: requests.map((request) => erases(request)),
    inEvents: [0, 1],
    inCurrent: [0, 1],
  },
  {
    rule: 'a stranger erases nothing',
    events: strangers,
    tombstones: [
      erases(pick(strangers, 2), { author: STRANGER, floor: floorAt(pick(strangers, 2)) }),
      erases(pick(strangers, 2), { author: STRANGER, target: target(key(8), T + 99) }),
      erases(pick(strangers, 2), {
        author: STRANGER,
        target: { type: 'pubkey', pubkey: key(8), untilS: T + 99 },
      }),
    ],
    inEvents: [0, 1, 2],
    inCurrent: [2],
  },
  {
    rule: 'an expired winner still hides the versions before it',
    events: expired,
    inEvents: [],
    inCurrent: [],
  },
  {
    rule: 'the floor of an expired winner stays when a newer version comes, for its tags too',
    events: renewed,
    inEvents: [2],
    inCurrent: [2],
    inTags: [2],
  },
  {
    rule: 'an expired version that was erased leaves no floor',
    events: withdrawn,
    tombstones: [erases(pick(withdrawn, 1))],
    inEvents: [0],
    inCurrent: [0],
  },
  {
    rule: 'what expires later is shown, what expired is not',
    events: expiring,
    inEvents: [0],
    inCurrent: [0],
  },
  {
    rule: 'a follow list counts in its current version',
    events: follows,
    inEvents: [0, 1],
    inCurrent: [1],
    inTags: [1],
  },
  { rule: 'private kinds are in no view', events: secrets, inEvents: [], inCurrent: [] },
  {
    rule: 'a floor at the lower of two tied ids covers both',
    events: tied,
    tombstones: [erases(tied[0], { target: { type: 'event', id: '9'.repeat(64) }, floor: floorAt(tied[0]) })],
    inEvents: [],
    inCurrent: [],
  },
  {
    rule: 'a floor at the higher of two tied ids spares the lower',
    events: spared,
    tombstones: [erases(spared[1], { floor: floorAt(spared[1]) })],
    inEvents: [0],
    inCurrent: [0],
  },
  {
    rule: 'a claim far in the future is a version like any other',
    events: farAway,
    inEvents: [0, 1],
    inCurrent: [1],
  },
]

let shown: Shown

beforeAll(async () => {
  await migrateStore(ch)
  await emptyStore(ch)
  const sink = createEventsSink(ch)
  const records = recordsOf(SCENARIOS.flatMap(({ events }) => events))
  // In two parts, which no merge has joined when the views are read.
  for (const parity of [0, 1]) unwrap(await sink.apply(records.filter(({ offset }) => offset % 2 === parity)))
  unwrap(await sink.apply(records.slice(0, 10)))
  unwrap(await sink.applyTombstones(SCENARIOS.flatMap(({ tombstones = [] }) => tombstones)))
  shown = await shownBy(ch)
})
afterAll(() => ch.close())

test.each(SCENARIOS)('$rule', ({ events, inEvents, inCurrent, inTags = [] }) => {
  const indices = (ids: readonly string[]) =>
    events.flatMap(({ id }, index) => (ids.includes(id) ? [index] : []))
  const tagged = shown.tags.map((line) => String(JSON.parse(line)[2]))
  expect(indices(shown.events), 'nostr.events').toEqual(inEvents)
  expect(indices(shown.current), 'nostr.events_current').toEqual(inCurrent)
  expect(indices(tagged), 'nostr.event_tags').toEqual(inTags)
})

test('an export of all versions takes private events along, and nothing below a floor', async () => {
  const rows = unwrap(
    await ch.query<{ id: string }>('SELECT lower(hex(id)) AS id FROM nostr_store.events_above_floors'),
  )
  const exported = new Set(rows.map(({ id }) => id))
  const indices = (events: readonly SignedEvent[]) =>
    events.flatMap(({ id }, index) => (exported.has(id) ? [index] : []))
  expect([secrets, renewed, withdrawn, byE].map(indices)).toEqual([[0, 1, 2, 3, 4], [2], [0], []])
})
