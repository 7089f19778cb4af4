import { type SignedEvent, unsigned } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { checkInterleaving } from './testing/check-world.ts'
import { keysOf, NOW_S, partitionOf, RELAY_URL } from './testing/histories.ts'

// Every way in which the partitions of a small history can meet; each keeps its own order.

type Scenario = readonly [name: string, events: (keys: Keys) => readonly SignedEvent[]]
type Keys = readonly [alice: string, bob: string, carol: string]

const EVENTS_MAX = 6
const T = NOW_S - 50
let events = 0
const event = (kind: number, after: number, author: string, ...tags: string[][]): SignedEvent =>
  unsigned({ kind, created_at: T + after, tags, content: String(events++) }, author)
const deletion = (after: number, author: string, ...targets: (SignedEvent | string)[]): SignedEvent =>
  event(
    5,
    after,
    author,
    ...targets.map((target) => (typeof target === 'string' ? ['a', target] : ['e', target.id])),
  )
const vanish = (after: number, author: string, relay = 'ALL_RELAYS') =>
  event(62, after, author, ['relay', relay])
const wrapTo = (after: number, author: string, ...to: string[]) =>
  event(1059, after, author, ...to.map((key) => ['p', key]))

const SCENARIOS: readonly Scenario[] = [
  [
    'a deletion before its event',
    ([alice]) => {
      const note = event(1, 1, alice)
      return [deletion(2, alice, note), note]
    },
  ],
  [
    'a deletion twice, and the event again',
    ([alice]) => {
      const note = event(1, 1, alice)
      return [note, deletion(2, alice, note), deletion(3, alice, note), note]
    },
  ],
  [
    'strangers and owners',
    ([alice, bob]) => {
      const [one, two] = [event(1, 1, alice), event(1, 1, bob)]
      return [one, two, deletion(2, bob, one), deletion(2, alice, two), deletion(3, alice, one)]
    },
  ],
  [
    'the winner deleted between older and newer versions',
    ([alice]) => {
      const [one, two, three] = [event(0, 1, alice), event(0, 2, alice), event(0, 3, alice)]
      return [one, two, deletion(4, alice, two), one, three]
    },
  ],
  [
    'the winner deleted before it comes',
    ([alice]) => {
      const [one, two] = [event(0, 1, alice), event(0, 2, alice)]
      return [one, deletion(4, alice, two), two]
    },
  ],
  [
    'an address between versions',
    ([alice, bob]) => {
      const article = (after: number) => event(30023, after, alice, ['d', 'x'])
      return [
        article(1),
        deletion(2, alice, `30023:${alice}:x`),
        article(2),
        article(3),
        deletion(9, bob, `30023:${alice}:x`),
      ]
    },
  ],
  [
    'a wrap and both recipients',
    ([alice, bob, carol]) => {
      const wrap = wrapTo(1, carol, alice, bob)
      return [wrap, deletion(2, bob, wrap), deletion(3, alice, wrap), wrap]
    },
  ],
  [
    'a wrap and its second recipient, who comes first',
    ([alice, bob, carol]) => {
      const wrap = wrapTo(5, carol, alice, bob)
      return [deletion(2, bob, wrap), wrap, wrapTo(6, carol, alice)]
    },
  ],
  [
    'a wrap and a stranger',
    ([alice, bob, carol]) => {
      const wrap = wrapTo(1, carol, alice)
      return [wrap, deletion(2, bob, wrap), deletion(2, carol, event(1, 1, alice))]
    },
  ],
  [
    'vanish and new life',
    ([alice]) => [event(1, 1, alice), vanish(5, alice), event(1, 6, alice), event(1, 4, alice)],
  ],
  [
    'vanish and wraps in other partitions',
    ([alice, bob, carol]) => [
      wrapTo(1, carol, bob, alice),
      vanish(5, alice),
      wrapTo(6, carol, bob, alice),
      wrapTo(2, bob, carol, alice),
    ],
  ],
  [
    'vanish, and deletions before and after it',
    ([alice, bob]) => {
      const wrap = wrapTo(9, bob, alice)
      return [deletion(2, alice, wrap), vanish(5, alice), deletion(3, alice, event(1, 1, bob)), wrap]
    },
  ],
  [
    'a deletion that comes after vanishing and is dated before it',
    ([alice, bob, carol]) => {
      const wrap = wrapTo(9, carol, bob, alice)
      return [vanish(5, alice), deletion(3, alice, wrap), wrap]
    },
  ],
  [
    'vanish is not undone',
    ([alice]) => {
      const request = vanish(5, alice)
      return [event(1, 1, alice), request, deletion(6, alice, request), event(1, 2, alice)]
    },
  ],
  [
    'vanish elsewhere, then here',
    ([alice, bob]) => [
      event(1, 1, alice),
      vanish(5, alice, 'wss://elsewhere.example'),
      vanish(3, alice, RELAY_URL),
      event(1, 4, alice),
      event(1, 1, bob),
    ],
  ],
  [
    'two vanish, each with what the other sent',
    ([alice, bob]) => [
      wrapTo(1, alice, bob),
      wrapTo(1, bob, alice),
      vanish(3, alice),
      vanish(4, bob),
      event(1, 5, bob),
    ],
  ],
  [
    'an expired winner over an older version',
    ([alice]) => [event(0, 1, alice), event(0, 2, alice, ['expiration', String(NOW_S)]), event(0, 1, alice)],
  ],
  [
    'three authors delete what they share',
    ([alice, bob, carol]) => {
      const wrap = wrapTo(1, alice, bob, carol)
      const note = event(1, 1, alice)
      return [
        wrap,
        note,
        deletion(2, carol, wrap, note),
        deletion(2, bob, note),
        deletion(2, alice, note, wrap),
      ]
    },
  ],
]

test.each(SCENARIOS)(
  '%s',
  async (name, make) => {
    const history = make(keysOf(name) as Keys)
    expect(history.length).toBeLessThanOrEqual(EVENTS_MAX)
    const orders = [...interleavings(history.map(partitionOf))]
    for (const order of orders) await checkInterleaving(name, history, order)
  },
  120_000,
)

/** All orders of the partitions' records. */
function* interleavings(partitions: readonly number[]): Generator<readonly number[]> {
  if (partitions.length === 0) return yield []
  for (const partition of new Set(partitions)) {
    const left = [...partitions]
    left.splice(left.indexOf(partition), 1)
    for (const rest of interleavings(left)) yield [partition, ...rest]
  }
}
