import { unwrap } from '@millrace/kernel'
import {
  floorAt,
  type NaiveTombstone,
  type SignedEvent,
  testClickHouseUrl,
  testKey,
  unsigned,
} from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventsSink } from './sink.ts'
import {
  type Attack,
  attacksOn,
  DETOURS,
  OPEN_WAYS,
  type Probe,
  probesOf,
  SECRET,
} from './testing/attacks.ts'
import { connect, emptyStore, migrateStore, recordsOf } from './testing/store.ts'

const ch = connect()
const T = 1_750_000_000
const ALICE = testKey('attacked alice').pubkey
const BOB = testKey('attacked bob').pubkey
const CAROL = testKey('attacked carol').pubkey

const hiddenTags = [
  ['p', BOB],
  ['t', `${SECRET} tag`],
]
const event = (pubkey: string, kind: number, after: number, content: string, tags: string[][]): SignedEvent =>
  unsigned({ kind, created_at: T + after, tags, content }, pubkey)

/** The oldest and the newest of all, so that a minimum or maximum would tell. */
const PRIVATE = [4, 13, 14, 15, 1059].flatMap((kind) =>
  [-1000, 1000].map((after) => event(ALICE, kind, after, `${SECRET} of kind ${kind}`, hiddenTags)),
)
const ERASED = event(ALICE, 1, -500, `${SECRET} erased by its id`, hiddenTags)
const ARTICLE = event(ALICE, 30023, -500, `${SECRET} erased by its address`, [['d', 'x'], ...hiddenTags])
const PROFILE = event(ALICE, 0, -500, `${SECRET} erased with its floor`, hiddenTags)
const OF_CAROL = [1, 0, 30023].map((kind) => event(CAROL, kind, 500, `${SECRET} of who vanished`, hiddenTags))
const EXPIRED = event(ALICE, 1, 500, `${SECRET} expired`, [['expiration', String(T + 501)], ...hiddenTags])
const BADGES = [
  event(ALICE, 30009, -501, `${SECRET} version below`, [['d', 'e'], ...hiddenTags]),
  event(ALICE, 30009, -500, `${SECRET} expired version`, [
    ['d', 'e'],
    ['expiration', String(T + 1)],
    ...hiddenTags,
  ]),
]
const HIDDEN = [...PRIVATE, ERASED, ARTICLE, PROFILE, ...OF_CAROL, EXPIRED, ...BADGES]
/** Their texts are numbers, so that no probe stumbles over them. */
const OPEN = [
  event(ALICE, 1, 0, '7', [['t', '7']]),
  event(BOB, 0, 1, '7', [['t', '7']]),
  event(BOB, 30023, 2, '7', [
    ['d', '8'],
    ['t', '7'],
  ]),
]

const erases = (target: NaiveTombstone['target'], author: string, floor: NaiveTombstone['floor'] = null) => ({
  author,
  requestId: 'f'.repeat(64),
  requestCreatedAt: T,
  target,
  floor,
  reason: 'deletion' as const,
  recordedAtMs: T * 1000,
})
const TOMBSTONES: readonly NaiveTombstone[] = [
  erases({ type: 'event', id: ERASED.id }, ALICE),
  erases({ type: 'event', id: PROFILE.id }, ALICE, floorAt(PROFILE)),
  erases({ type: 'address', kind: 30023, pubkey: ALICE, d: 'x', untilS: T }, ALICE),
  erases({ type: 'pubkey', pubkey: CAROL, untilS: T + 900 }, CAROL),
]

const PROBES = probesOf(HIDDEN.map(({ id }) => id))
/** Rows of each view: all of OPEN, one tag of each and a `d` of the article. */
const ROWS: Readonly<Record<string, number>> = {
  'nostr.events': OPEN.length,
  'nostr.events_current': OPEN.length,
  'nostr.event_tags': OPEN.length + 1,
}

const ATTEMPTS_MAX = 3

async function ask({ sql, urlSettings = '' }: Attack, attempt = 1): Promise<string> {
  const url = `${testClickHouseUrl()}/?user=analyst&${urlSettings}`
  try {
    const response = await fetch(url, { method: 'POST', body: `${sql}\nFORMAT JSONEachRow` })
    return await response.text()
  } catch (cause) {
    // After some refusals the server closes the connection, now and then before its answer is read.
    if (attempt === ATTEMPTS_MAX) throw cause
    return ask({ sql, urlSettings }, attempt + 1)
  }
}

/** What the server may answer to an attack: the rows that everybody sees, or that this is not for the asker to set or ask. */
const REFUSED =
  /\((READONLY|SETTING_CONSTRAINT_VIOLATION|ACCESS_DENIED|ILLEGAL_PREWHERE|UNKNOWN_SETTING|INCORRECT_QUERY|NOT_AN_AGGREGATE|UNSUPPORTED_METHOD|SYNTAX_ERROR|ILLEGAL_AGGREGATION|THERE_IS_NO_PROFILE)\)/

const isHarmless = (answer: string, view: string): boolean =>
  !answer.includes(SECRET) && (REFUSED.test(answer) || answer.includes(`"rows":${ROWS[view]}`))

async function leaksOf(probe: Probe, attacks = attacksOn(probe)): Promise<string[]> {
  const leaks: string[] = []
  for (const attack of attacks) {
    const answer = await ask(attack)
    if (!isHarmless(answer, probe.view)) leaks.push(`${attack.sql.slice(-200)}\n  → ${answer.slice(0, 300)}`)
  }
  return leaks
}

beforeAll(async () => {
  await migrateStore(ch)
  await emptyStore(ch)
  const sink = createEventsSink(ch)
  // In two parts: some of them hold nothing that everybody may see.
  unwrap(await sink.apply(recordsOf(HIDDEN)))
  unwrap(await sink.apply(recordsOf(OPEN, HIDDEN.length)))
  unwrap(await sink.applyTombstones(TOMBSTONES))
})
afterAll(() => ch.close())

test.each(PROBES)(
  'no condition and no setting reaches a hidden row of $view',
  async (probe) => {
    expect(await leaksOf(probe)).toEqual([])
  },
  120_000,
)

test('the same attacks do reach the rows of a view that filters with the rights of its maker', async () => {
  const columns = 'id AS id_bytes, kind, created_at, content, tags'
  unwrap(
    await ch.command(
      `CREATE OR REPLACE VIEW nostr.careless DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
       SELECT ${columns} FROM nostr_store.events_alive AS e WHERE kind NOT IN (4, 13, 14, 15, 1059)`,
    ),
  )
  try {
    const [probe] = PROBES
    if (probe === undefined) throw new Error('no probe')
    const careless = { ...probe, view: 'nostr.careless' }
    // The last ones are the sharpest; all of them would eat up the analyst's queries of a minute.
    const leaks = await leaksOf(careless, attacksOn(careless).slice(-40))
    expect(leaks.join('\n')).toContain(`Cannot parse string '${SECRET} `)
    expect(leaks.join('\n')).toContain("Value passed to 'throwIf' function is non-zero")
  } finally {
    unwrap(await ch.command('DROP VIEW nostr.careless'))
  }
}, 120_000)

test('no aggregate, plan or estimate tells of hidden rows', async () => {
  for (const { view } of PROBES) {
    expect(
      await ask({
        sql: `SELECT min(created_at) AS a, max(created_at) AS b, uniqExact(kind) AS k FROM ${view}`,
      }),
    ).toBe(`{"a":${T},"b":${T + 2},"k":3}\n`)
    expect(await ask({ sql: `SELECT count() AS rows FROM ${view}` })).toContain(`"rows":${ROWS[view]}`)
    for (const explain of [
      'EXPLAIN',
      'EXPLAIN actions = 1, indexes = 1',
      'EXPLAIN QUERY TREE',
      'EXPLAIN PIPELINE',
    ])
      expect(await ask({ sql: `${explain} SELECT * FROM ${view} WHERE kind = 4` })).not.toContain(SECRET)
  }
})

test.each(DETOURS)('refused: %s', async (sql) => {
  const answer = await ask({ sql })
  expect(answer).toMatch(/^Code: \d+\. DB::Exception/)
  expect(answer).not.toContain(SECRET)
})

test.each(OPEN_WAYS)('without a hidden row: %s', async (sql) => {
  const answer = await ask({ sql })
  expect(answer).not.toContain(SECRET)
  for (const { id } of HIDDEN) expect(answer).not.toContain(id)
})
