import { readFileSync } from 'node:fs'
import { createClickHouse, writeWatermarks } from '@millrace/clickhouse'
import { unwrap } from '@millrace/kernel'
import { type EventTemplate, type SignedEvent, sign, testClickHouseUrl, testKey } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEventsSink } from './sink.ts'
import { connect, emptyStore, migrateStore, recordsOf } from './testing/store.ts'

const DOCS = readFileSync(new URL('../../../../docs/sql.md', import.meta.url), 'utf8')
const withoutPadding = (text: string): string => text.replaceAll(/ {2,}/g, ' ')
const QUERIES = [...DOCS.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')

const ch = connect()
const analystUser = { username: 'analyst', password: '' }
const analyst = createClickHouse(
  {
    url: testClickHouseUrl(),
    caFile: null,
    users: { insert: analystUser, req: analystUser, api: analystUser, maintenance: analystUser },
  },
  // With this role's settings on each statement, which an analyst may set.
  'maintenance',
  { timeoutMs: 30_000 },
)

const ALICE = testKey('alice')
const BOB = testKey('bob')
const at = (created_at: number, template: Partial<EventTemplate>): EventTemplate => ({
  kind: 1,
  created_at,
  tags: [],
  content: '',
  ...template,
})

const NOTE = sign(at(1_750_000_000, { content: 'a note', tags: [['t', 'Nostr']] }), ALICE)
const CORPUS: readonly SignedEvent[] = [
  NOTE,
  sign(
    at(1_750_000_001, {
      content: 'a reply',
      tags: [
        ['e', NOTE.id, '', 'root'],
        ['p', ALICE.pubkey],
      ],
    }),
    BOB,
  ),
  sign(
    at(1_750_000_002, {
      kind: 7,
      content: '+',
      tags: [
        ['e', NOTE.id],
        ['p', ALICE.pubkey],
      ],
    }),
    BOB,
  ),
  sign(at(1_750_000_003, { kind: 3, tags: [['p', ALICE.pubkey]] }), BOB),
  sign(at(1_750_000_004, { kind: 0, content: '{"name":"alice","nip05":"alice@example.org"}' }), ALICE),
  sign(
    at(1_750_000_005, {
      kind: 30023,
      tags: [
        ['d', 'first'],
        ['title', 'Draft'],
      ],
    }),
    ALICE,
  ),
  sign(
    at(1_750_000_006, {
      kind: 30023,
      tags: [
        ['d', 'first'],
        ['title', 'Final'],
      ],
    }),
    ALICE,
  ),
  sign(at(1_750_000_007, { kind: 4, content: 'secret', tags: [['p', BOB.pubkey]] }), ALICE),
  sign(at(1_750_000_008, { kind: 1059, content: 'wrapped', tags: [['p', BOB.pubkey]] }), ALICE),
]

beforeAll(async () => {
  await migrateStore(ch)
  await emptyStore(ch)
  unwrap(await createEventsSink(ch).apply(recordsOf(CORPUS)))
  const logId = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'
  unwrap(
    await writeWatermarks(ch, 'sql_docs_test', 'nostr.events.v1', logId, [{ partition: 0, nextOffset: 9 }]),
  )
})
afterAll(async () => {
  unwrap(
    await ch.command(`DELETE FROM nostr_store.watermarks WHERE sink = 'sql_docs_test'`, {
      settings: { lightweight_deletes_sync: '2' },
    }),
  )
  await Promise.all([ch.close(), analyst.close()])
})

test('there are ten worked queries', () => expect(QUERIES).toHaveLength(10))

test.each(QUERIES.map((sql, index) => ({ sql, name: `${index + 1}: ${sql.split('\n')[0]}` })))(
  'the analyst gets rows from query $name',
  async ({ sql }) => {
    const params = { author: ALICE.pubkey, note: NOTE.id }
    expect(unwrap(await analyst.query(sql, { params })).length).toBeGreaterThan(0)
  },
)

test('every column of every view is documented with its type', async () => {
  const columns = unwrap(
    await ch.query<{ table: string; name: string; type: string }>(
      `SELECT table, name, type FROM system.columns WHERE database = 'nostr' ORDER BY table, position`,
    ),
  )
  const views = new Set(columns.map(({ table }) => table))
  expect([...views].sort()).toEqual(['event_tags', 'events', 'events_current', 'watermarks'])
  for (const { table, name, type } of columns) {
    const shared = table === 'events_current' ? 'events' : table
    const section = DOCS.split('\n### ').find((part) => part.startsWith(`nostr.${shared}\n`)) ?? ''
    expect(withoutPadding(section), `${table}.${name}`).toContain(`| \`${name}\` | ${type} |`)
  }
})

test('people see events as they were signed', async () => {
  const columns = 'id, pubkey, created_at, kind, tags, content, sig'
  const rows = unwrap(
    await analyst.query<SignedEvent>(`SELECT ${columns} FROM nostr.events ORDER BY created_at`),
  )
  expect(rows).toEqual(CORPUS.filter(({ kind }) => kind !== 4 && kind !== 1059))
})

test('the analyst sees no private kind and no physical table', async () => {
  for (const view of ['events', 'events_current', 'event_tags'])
    expect(
      unwrap(await analyst.query(`SELECT 1 FROM nostr.${view} WHERE kind IN (4, 13, 14, 15, 1059, 21059)`)),
    ).toEqual([])
  for (const statement of ['SELECT * FROM nostr_store.events', 'SELECT * FROM nostr_store.events_alive'])
    expect(await analyst.query(statement)).toMatchObject({ ok: false, fault: { code: 'clickhouse-refused' } })
  expect(await analyst.command('DROP VIEW nostr.events')).toMatchObject({ ok: false })
  expect(await analyst.insertRows('nostr_store.events', [{ kind: 1 }])).toMatchObject({ ok: false })
})

test.each([
  ['nostr.events', "kind = 1 AND pubkey_bytes = unhex('ab')", 'PrimaryKey'],
  ['nostr.events', "pubkey_bytes = unhex('ab')", 'pubkey_bloom'],
  ['nostr.events', "id_bytes = unhex('ab')", 'id_bloom'],
  ['nostr.events', 'created_at < 1600000000', 'Min-Max'],
  ['nostr.events_current', "kind = 1 AND pubkey_bytes = unhex('ab')", 'PrimaryKey'],
  ['nostr.events_current', "id_bytes = unhex('ab')", 'id_bloom'],
  ['nostr.event_tags', "tag = 'Z' AND value = 'absent'", 'PrimaryKey'],
])('%s WHERE %s reads no granule thanks to %s', async (view, condition, index) => {
  const sql = `EXPLAIN indexes = 1 SELECT content FROM ${view} WHERE ${condition}`
  const plan = unwrap(
    await ch.query<{ explain: string }>(sql.replace('content', view.endsWith('tags') ? 'id' : 'content')),
  )
  const lines = plan.map(({ explain }) => explain.trim())
  const table = view.endsWith('tags') ? 'event_tags' : 'events'
  const read = lines.findIndex((line) => line.includes(`ReadFromMergeTree (nostr_store.${table})`))
  expect(read).not.toBe(-1)
  const granules = lines.slice(read).find((line) => line.includes('Granules:'))
  expect(granules, lines.join('\n')).toContain('Granules: 0')
  expect(lines.slice(read).join('\n')).toContain(index)
})
