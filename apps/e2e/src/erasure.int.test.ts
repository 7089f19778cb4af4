import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeDeadLetter, encodeEnvelope } from '@millrace/codec'
import { createKafkaLog, type Log } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCtl } from './stack/ctl.ts'
import { TestStack } from './stack/test-stack.ts'

const DEADLINE_S = 60
const PARTITIONS = 8
const NEEDLE = `planted-${Date.now()}`
const STORES_WITH_EVENTS = ['clickhouse', 'dead letters', 'log', 'rejects', 'view']

const alice = testKey('erasure alice')
const bob = testKey('erasure bob')
const nowS = () => Math.floor(Date.now() / 1000)
const partition = partitionOfOwner(alice.pubkey, PARTITIONS)

let stack: TestStack
let log: Log
let folder: string
let clients: readonly RelayClient[]

interface Report {
  readonly stores: readonly {
    readonly store: string
    readonly traces: readonly { readonly what: string; readonly place: string }[]
  }[]
  readonly unclaimed: readonly string[]
  readonly isAbsent: boolean
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-erasure-'))
  stack = await TestStack.start({
    ERASURE_DEADLINE_S: String(DEADLINE_S),
    EVENT_PARTITIONS: String(PARTITIONS),
  })
  await stack.addEdge()
  log = createKafkaLog({
    brokers: [stack.kafkaBrokers],
    clientId: 'erasure',
    ssl: false,
    sslCaFile: null,
    sasl: null,
  })
  clients = [await RelayClient.connect(stack.relayUrl), await RelayClient.connect(stack.secondRelayUrl)]
}, 180_000)

afterAll(async () => {
  for (const client of clients ?? []) await client.close()
  await log?.close()
  await stack?.remove()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

const ctl = (...args: string[]) => runCtl(stack.dataDir, ...args)

async function verify(): Promise<Report> {
  const { stdout, stderr, code } = await ctl('erasure', 'verify', alice.pubkey, '--needle', NEEDLE, '--json')
  if (stdout === '') throw new Error(stderr)
  const report = JSON.parse(stdout) as Report
  expect(code).toBe(report.isAbsent ? 0 : 1)
  return report
}

const storesWithTraces = ({ stores }: Report) =>
  stores
    .filter(({ traces }) => traces.length > 0)
    .map(({ store }) => store)
    .sort()

const content = (n: number) => `${NEEDLE} ${n}`
const before = nowS() - 100

/** Everything of Alice's, in every store there is. */
async function plant(): Promise<void> {
  const [client] = clients as [RelayClient]
  const published = [
    sign({ kind: 1, content: content(1), tags: [['t', NEEDLE]], created_at: before }, alice),
    sign({ kind: 0, content: content(2), created_at: before }, alice),
    sign({ kind: 30023, content: content(3), tags: [['d', 'article']], created_at: before }, alice),
    sign({ kind: 5, content: content(4), tags: [['e', 'f'.repeat(64)]], created_at: before }, alice),
    sign({ kind: 1059, content: content(5), tags: [['p', alice.pubkey]], created_at: before }, bob),
    sign({ kind: 1, content: 'of somebody else', created_at: before }, bob),
  ]
  for (const event of published) expect(await client.publish(event)).toMatchObject({ accepted: true })
  // In a partition that is not its owner's: storage writes a dead letter.
  await append(
    (partition + 1) % PARTITIONS,
    sign({ kind: 1, content: content(6), created_at: before }, alice),
  )
  const expired = sign(
    { kind: 1, content: content(7), tags: [['expiration', '1700000000']], created_at: before },
    alice,
  )
  const file = join(folder, 'old.jsonl')
  await writeFile(file, `${JSON.stringify(expired)}\n`)
  await ctl('import', file, '--rejects', join(folder, 'old.rejects.jsonl'))
}

async function append(to: number, event: SignedEvent): Promise<void> {
  const producer = await log.producer()
  const value = encodeEnvelope({
    event,
    receipt: { receivedAtMs: Date.now(), source: 'import', edge: 'test' },
  })
  unwrap(await producer.append({ topic: TOPICS.events, partition: to, key: event.id, value }))
  await producer.close()
}

const idsOn = async (client: RelayClient) =>
  (await client.req([{ authors: [alice.pubkey] }])).events.map(({ kind }) => kind)

const storedRows = async () =>
  Number(
    (
      await stack.sql<{ n: string }>(
        `SELECT toString(count()) AS n FROM nostr_store.events WHERE pubkey = unhex('${alice.pubkey}') AND kind != 62`,
      )
    )[0]?.n,
  )

test('after a vanish nothing is left in any store by the deadline, in a partition that falls quiet', async () => {
  await plant()
  await until(async () => (await storedRows()) === 4, { what: 'all of it in ClickHouse', deadlineMs: 30_000 })
  await until(async () => storesWithTraces(await verify()).length === STORES_WITH_EVENTS.length, {
    what: 'traces in every store',
    deadlineMs: 30_000,
    intervalMs: 1_000,
  })
  expect(storesWithTraces(await verify())).toEqual(STORES_WITH_EVENTS)
  expect((await ctl('export', '--authors', alice.pubkey, '--out', join(folder, 'export.jsonl'))).code).toBe(0)
  const [first, second] = clients as [RelayClient, RelayClient]
  const request = sign({ kind: 62, tags: [['relay', 'ALL_RELAYS']] }, alice)
  expect(await first.publish(request)).toMatchObject({ accepted: true })
  const startMs = Date.now()
  expect(await idsOn(first)).toEqual([62])
  await until(async () => (await idsOn(second)).length === 1, { what: 'the other edge', deadlineMs: 1_000 })
  const leftMs = () => DEADLINE_S * 1000 - (Date.now() - startMs)
  await until(async () => (await verify()).isAbsent, {
    what: 'no trace anywhere',
    deadlineMs: leftMs(),
    intervalMs: 2_000,
  })
  const status = JSON.parse((await ctl('erasure', 'status', alice.pubkey, '--json')).stdout)
  const entry = status.requests.find(({ requestId }: { requestId: string }) => requestId === request.id)
  expect(entry).toMatchObject({ kind: 62, waitingFor: [] })
  expect(Object.values(entry.stages)).not.toContain(null)
}, 180_000)

test('an old export brings nothing back, and the lines that it leaves behind go too', async () => {
  const report = await ctl(
    'import',
    join(folder, 'export.jsonl'),
    '--rejects',
    join(folder, 'export.rejects.jsonl'),
    '--json',
  )
  expect(report.stderr).toMatch(/refused/)
  for (const client of clients) expect(await idsOn(client)).toEqual([62])
  await until(async () => (await verify()).isAbsent, {
    what: 'refused lines gone',
    deadlineMs: DEADLINE_S * 1000,
    intervalMs: 2_000,
  })
}, 120_000)

test('a replay into fresh tables brings nothing back', async () => {
  expect((await ctl('part', 'stop', 'storage')).code).toBe(0)
  expect((await ctl('tables', 'reset', '--yes')).code).toBe(0)
  expect((await ctl('tables', 'migrate')).code).toBe(0)
  expect((await ctl('part', 'start', 'storage')).code).toBe(0)
  const rows = () =>
    stack.sql<{ kind: number; pubkey: string }>('SELECT kind, pubkey FROM nostr.events ORDER BY kind')
  await until(async () => (await rows()).length === 2, {
    what: 'the replay',
    deadlineMs: 60_000,
    intervalMs: 200,
  })
  expect(await rows()).toEqual([
    { kind: 1, pubkey: bob.pubkey },
    { kind: 62, pubkey: alice.pubkey },
  ])
  expect(await storedRows()).toBe(0)
}, 120_000)

test('a trace planted in any store is found, and what belongs to no store makes a verification fail', async () => {
  expect((await ctl('part', 'stop', 'deletion')).code).toBe(0)
  const stray = sign({ kind: 1, content: content(9), created_at: before }, alice)
  await append(partition, stray)
  const value = encodeEnvelope({ event: stray, receipt: { receivedAtMs: 1, source: 'import', edge: 'test' } })
  const letter = {
    topic: TOPICS.events,
    partition: 0,
    offset: 0,
    logId: 'x',
    recordKey: Buffer.from(stray.id),
    recordValue: value,
  }
  const producer = await log.producer()
  const more = { headers: {}, group: 'test', step: 'test', code: 'internal', message: '', refusedAtMs: 1 }
  unwrap(
    await producer.append({
      topic: TOPICS.deadLetters,
      partition: 0,
      key: stray.id,
      value: encodeDeadLetter({ ...letter, ...more }),
    }),
  )
  await producer.close()
  await execute(
    `INSERT INTO nostr_store.event_times (created_at, id, kind, pubkey) VALUES (${before}, unhex('${stray.id}'), 1, unhex('${alice.pubkey}'))`,
  )
  await execute('CREATE TABLE nostr_store.stray (x UInt8) ENGINE = MergeTree ORDER BY x')
  await mkdir(join(stack.dataDir, 'stray'))
  const views = join(stack.dataDir, 'views', 'edge-1')
  await appendFile(
    join(views, (await readdir(views)).includes('current') ? 'left-behind' : 'x'),
    JSON.stringify(stray),
  )
  await appendFile(
    join(folder, 'old.rejects.jsonl'),
    `${JSON.stringify({ line: 1, text: JSON.stringify(stray) })}\n`,
  )
  await appendFile(join(stack.dataDir, 'logs', 'edge-1.log'), JSON.stringify(stray))
  const report = await verify()
  expect(storesWithTraces(report)).toEqual([...STORES_WITH_EVENTS, 'process logs'].sort())
  expect(report.unclaimed).toEqual(['table:nostr_store.stray', 'folder:stray'])
}, 120_000)

async function execute(statement: string): Promise<void> {
  const { status, text } = await stack.execute(statement)
  if (status !== 200) throw new Error(text)
}
