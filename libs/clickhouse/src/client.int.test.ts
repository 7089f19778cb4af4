import { type Fault, unwrap } from '@millrace/kernel'
import { createMetrics } from '@millrace/observability'
import { until } from '@millrace/testkit'
import { afterAll, expect, test } from 'vitest'
import { observeQueries } from './observe-queries.ts'
import { RowBinaryWriter } from './row-binary.ts'
import { connect } from './testing.ts'

const ch = connect()
afterAll(() => ch.close())

test('parameters reach the server as values, whatever they hold', async () => {
  const nasty = ["'); DROP TABLE x; --", '\\', '\t\n', '{a:String}', '🦩', '"', '`', '\u0000x']
  const rows = unwrap(
    await ch.query<{ text: string }>('SELECT arrayJoin({texts:Array(String)}) AS text', {
      params: { texts: nasty },
    }),
  )
  expect(rows.map(({ text }) => text)).toEqual(nasty)
})

test('64-bit integers are numbers, and rows can be arrays', async () => {
  const sql = 'SELECT toUInt64(9007199254740991) AS big, [1, 2] AS list'
  expect(unwrap(await ch.query(sql))).toEqual([{ big: 9007199254740991, list: [1, 2] }])
  expect(unwrap(await ch.query(sql, { format: 'JSONCompactEachRow' }))).toEqual([[9007199254740991, [1, 2]]])
})

test('rows are inserted as objects, as arrays, through input() and as RowBinary', async () => {
  unwrap(await ch.command('CREATE OR REPLACE TABLE default.client_test (a UInt32, b String) ENGINE = Memory'))
  const writer = new RowBinaryWriter()
  writer.uint32(4)
  writer.string('vier')
  const writes = [
    ch.insertRows('default.client_test', [{ a: 1, b: 'eins' }]),
    ch.insertRows('default.client_test (a, b)', [[2, 'zwei']]),
    ch.insertRows(`INSERT INTO default.client_test SELECT a, upper(b) FROM input('a UInt32, b String')`, [
      [3, 'drei'],
    ]),
    ch.insertBytes('INSERT INTO default.client_test FORMAT RowBinary', writer.bytes()),
  ]
  for (const written of await Promise.all(writes)) expect(unwrap(written).rowsWritten).toBe(1)
  expect(unwrap(await ch.insertRows('default.client_test', [])).rowsWritten).toBe(0)
  expect(unwrap(await ch.query('SELECT a, b FROM default.client_test ORDER BY a'))).toEqual([
    { a: 1, b: 'eins' },
    { a: 2, b: 'zwei' },
    { a: 3, b: 'DREI' },
    { a: 4, b: 'vier' },
  ])
  unwrap(await ch.command('DROP TABLE default.client_test'))
})

const faultOf = async (call: Promise<{ ok: boolean; fault?: Fault }>) => (await call).fault

test('a wrong statement is refused, also when it fails after its first rows', async () => {
  expect(await faultOf(ch.query('SELECT nothing'))).toMatchObject({
    code: 'clickhouse-refused',
    kind: 'invalid',
  })
  expect(await faultOf(ch.command('DROP TABLE default.absent'))).toMatchObject({ code: 'clickhouse-refused' })
  const late = 'SELECT throwIf(number = 99999) FROM numbers(100000) SETTINGS max_block_size = 1000'
  expect((await ch.query(late)).ok).toBe(false)
})

test('rows that cannot be stored are refused without being quoted', async () => {
  unwrap(await ch.command('CREATE OR REPLACE TABLE default.refusing (a UInt32) ENGINE = Memory'))
  const fault = await faultOf(ch.insertRows('default.refusing', [['content of an event']]))
  expect(fault).toMatchObject({ code: 'clickhouse-refused', kind: 'invalid' })
  expect(JSON.stringify(fault)).not.toContain('content of an event')
  unwrap(await ch.command('DROP TABLE default.refusing'))
})

test('nobody listening, a passed deadline and a caller who left are transient', async () => {
  const away = connect({}, 'http://127.0.0.1:1')
  const caller = new AbortController()
  const left = faultOf(ch.query('SELECT sleep(3)', { signal: caller.signal }))
  caller.abort()
  const faults = [faultOf(away.ping()), faultOf(ch.query('SELECT sleep(3)', { timeoutMs: 100 })), left]
  for (const fault of await Promise.all(faults))
    expect(fault).toMatchObject({ code: 'clickhouse-unavailable', kind: 'transient' })
  await away.close()
})

test('queries beyond the bound wait, and beyond the queue are refused', async () => {
  const narrow = connect({ queriesConcurrentMax: 1, queriesWaitingMax: 1 })
  const running = narrow.query('SELECT sleep(0.3)')
  const waiting = narrow.query('SELECT 1')
  expect(narrow.queriesWaiting).toBe(1)
  expect(await faultOf(narrow.query('SELECT 2'))).toMatchObject({ code: 'queue-full', kind: 'transient' })
  expect((await running).ok && (await waiting).ok).toBe(true)
  await narrow.close()
})

test('an observer sees every call, and its headers reach the server', async () => {
  const seen: string[] = []
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const traced = connect({
    onQuery: ({ role, name }) => ({
      headers: { traceparent },
      end: (fault) => seen.push(`${role} ${name} ${fault?.code ?? 'ok'}`),
    }),
  })
  const rows = unwrap(
    await traced.query<{ header: string }>(`SELECT getClientHTTPHeader('traceparent') AS header`, {
      settings: { allow_get_client_http_header: 1 },
      name: 'echo',
    }),
  )
  expect(rows).toEqual([{ header: traceparent }])
  await traced.query('SELECT nothing')
  await until(() => seen.length === 2, { what: 'both calls observed' })
  expect(seen).toEqual(['maintenance echo ok', 'maintenance statement clickhouse-refused'])
  await traced.close()
})

test('statements are timed by name, failures counted by code', async () => {
  const metrics = createMetrics('test')
  const counted = connect({ onQuery: observeQueries(metrics) })
  unwrap(await counted.query('SELECT 1', { name: 'one' }))
  await counted.query('SELECT nothing', { name: 'one' })
  const text = await metrics.expose()
  expect(text).toMatch(/clickhouse_query_seconds_count\{[^}]*query="one"[^}]*\} 2/)
  expect(text).toMatch(/clickhouse_failures_total\{[^}]*code="clickhouse-refused"[^}]*\} 1/)
  await counted.close()
})

test('an answer larger than memory comes in blocks, and who stops reading gives it up', async () => {
  let sum = 0
  const add = async (rows: readonly (readonly [number])[]) => {
    for (const [number] of rows) sum += number
  }
  unwrap(await ch.queryEach<readonly [number]>('SELECT toUInt32(number) FROM numbers(100000)', add))
  expect(sum).toBe((99_999 * 100_000) / 2)
  const stop = () => Promise.reject(new Error('enough'))
  expect(await ch.queryEach('SELECT number FROM numbers(100000)', stop)).toMatchObject({ ok: false })
  expect(unwrap(await ch.queryText('SELECT 1 AS one'))).toBe('{"one":1}\n')
})
