import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { deadLetterKey, decodeEnvelope, encodeDeadLetter } from '@millrace/codec'
import { generateCorpus } from '@millrace/corpus'
import { unwrap } from '@millrace/kernel'
import { addressOf, eventJson, GUARDED_KINDS, isNewerVersion, type NostrEvent } from '@millrace/nostr'
import { createEventsSink } from '@millrace/projection-events'
import { TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ran, run } from './testing/run.ts'
import { testClickHouse, testEnvironment, testLog, wipe } from './testing/servers.ts'

let folder: string
let env: Record<string, string>
const events: NostrEvent[] = []
const ctl = (...args: string[]): Promise<Ran> => run(env, args)

beforeAll(async () => {
  await wipe()
  folder = await mkdtemp(join(tmpdir(), 'ctl-int-'))
  env = testEnvironment(folder)
  for await (const batch of generateCorpus({ seed: 'ctl', count: 600, authorCount: 30 }))
    events.push(...batch)
})

afterAll(async () => {
  await wipe()
  await rm(folder, { recursive: true })
})

const ids = (some: readonly Pick<NostrEvent, 'id'>[]): string[] => some.map(({ id }) => id).sort()
const isPrivate = ({ kind }: NostrEvent): boolean => GUARDED_KINDS.has(kind)

function winners(some: readonly NostrEvent[]): NostrEvent[] {
  const best = new Map<string, NostrEvent>()
  for (const event of some) {
    const address = addressOf(event) ?? event.id
    const known = best.get(address)
    if (known === undefined || isNewerVersion(event, known)) best.set(address, event)
  }
  return [...best.values()]
}

async function logged(): Promise<NostrEvent[]> {
  const log = testLog()
  const found = new Map<string, NostrEvent>()
  await log.readToEnd(TOPICS.events, ({ records }) => {
    for (const { value } of records) {
      const { event } = unwrap(decodeEnvelope(value ?? Buffer.alloc(0)))
      found.set(event.id, event)
    }
  })
  await log.close()
  return [...found.values()]
}

/** What storage does, in one go. */
async function store(): Promise<void> {
  const log = testLog()
  const ch = testClickHouse()
  const sink = createEventsSink(ch)
  await log.readToEnd(TOPICS.events, async ({ topic, partition, records }) => {
    const applied = records.map(({ value, offset, timestampMs }) => ({
      value: unwrap(decodeEnvelope(value ?? Buffer.alloc(0))),
      topic,
      partition,
      offset,
      appendedAtMs: timestampMs,
    }))
    unwrap(await sink.apply(applied))
  })
  await ch.close()
  await log.close()
}

const eventsOf = (jsonl: string): NostrEvent[] =>
  jsonl
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NostrEvent)

test('before topics apply, an import says what to do', async () => {
  const file = join(folder, 'early.jsonl')
  await writeFile(file, '')
  expect(await ctl('import', file)).toMatchObject({
    exitCode: 78,
    err: expect.stringContaining('topics apply'),
  })
})

test('topics apply creates, then changes nothing, alters what differs, and refuses another partition count', async () => {
  const first = await ctl('topics', 'apply')
  expect(first).toMatchObject({ exitCode: 0, out: expect.stringContaining('created nostr.events.v1') })
  const second = await ctl('topics', 'apply', '--json')
  const { topics, logId } = JSON.parse(second.out) as { topics: { action: string }[]; logId: string }
  expect(new Set(topics.map(({ action }) => action))).toEqual(new Set(['unchanged']))
  expect(first.out).toContain(logId)
  expect((await run({ ...env, DURABILITY: 'process' }, ['topics', 'apply'])).out).toMatch(
    /altered nostr.events.v1: flush.messages/,
  )
  const refused = await run({ ...env, EVENT_PARTITIONS: '5' }, ['topics', 'apply'])
  expect(refused).toMatchObject({ exitCode: 78, err: expect.stringContaining('4 partitions') })
  expect((await ctl('topics', 'describe')).out).toContain('nostr.events.v1: 4 partitions, 1 replicas')
})

test('tables migrate makes the tables, then has nothing to do', async () => {
  expect(await ctl('tables', 'migrate')).toMatchObject({
    exitCode: 0,
    out: expect.stringContaining('applied events/'),
  })
  expect(await ctl('tables', 'migrate')).toMatchObject({
    exitCode: 0,
    out: expect.stringMatching(/^up to date/),
  })
})

test('import brings the good lines into the log and the bad ones into the rejects file', async () => {
  const [forged] = events as [NostrEvent]
  const lines = [...events.map(eventJson), 'not json', eventJson({ ...forged, content: 'forged' })]
  const file = join(folder, 'corpus.jsonl.gz')
  await writeFile(file, gzipSync(lines.join('\n')))
  const rejects = join(folder, 'rejects.jsonl')
  const ran = await ctl('import', file, '--rejects', rejects, '--json')
  expect(ran.exitCode, ran.err).toBe(0)
  expect(JSON.parse(ran.out)).toMatchObject({
    end: 'done',
    appended: 600,
    rejected: { 'event-malformed': 1, 'event-id-mismatch': 1 },
  })
  expect(
    (await readFile(rejects, 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).line),
  ).toEqual([601, 602])
  expect(ids(await logged())).toEqual(ids(events))
  const again = await ctl('import', file)
  expect(again).toMatchObject({ exitCode: 0, err: expect.stringContaining('in the log already') })
})

test('an import that can bring in nothing fails and says why', async () => {
  const bad = join(folder, 'bad.jsonl')
  await writeFile(bad, 'no\nJSON\n')
  const rejects = join(folder, 'bad.rejects')
  const refused = await ctl('import', bad, '--rejects', rejects)
  expect(refused.exitCode).toBe(1)
  expect(refused.err.trimEnd().split('\n').at(-1)).toBe(
    `ctl: nothing imported: all 2 lines were refused, see ${rejects}`,
  )
  expect(await ctl('import', bad)).toMatchObject({ exitCode: 1, err: expect.stringContaining('--restart') })
})

test('an import of what is no whole file names it, and tells what became of the rest', async () => {
  const none = join(folder, 'none.jsonl')
  expect(await ctl('import', none)).toEqual({ exitCode: 1, out: '', err: `ctl: there is no file ${none}\n` })
  expect(await ctl('import', folder)).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining(`${folder} is a folder`),
  })
  const cut = join(folder, 'cut.jsonl.gz')
  const whole = gzipSync(events.map(({ id }) => id).join('\n'))
  await writeFile(cut, whole.subarray(0, whole.length - 100))
  const ran = await ctl('import', cut, '--rejects', join(folder, 'cut.rejects'))
  expect(ran.exitCode).toBe(1)
  expect(ran.err).toContain(`${cut} cannot be decompressed`)
  expect(ran.err).toContain('what came before that is imported')
})

test('import reads stdin', async () => {
  const [event] = events as [NostrEvent]
  const ran = await run(env, ['import', '-', '--json'], `${eventJson(event)}\n`)
  expect(JSON.parse(ran.out)).toMatchObject({ appended: 1 })
})

test('export gives the current versions, oldest first, and keeps private kinds to itself', async () => {
  await store()
  const ran = await ctl('export')
  expect(ran.exitCode, ran.err).toBe(0)
  const exported = eventsOf(ran.out)
  expect(ids(exported)).toEqual(ids(winners(events).filter((event) => !isPrivate(event))))
  expect(exported).toEqual(
    [...exported].sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1)),
  )
  for (const event of exported) expect(event).toEqual(events.find(({ id }) => id === event.id))
})

test('export --all --private is everything that was imported', async () => {
  const file = join(folder, 'all.jsonl.gz')
  expect((await ctl('export', '--all', '--private', '--out', file)).exitCode).toBe(0)
  expect(ids(eventsOf(gunzipSync(await readFile(file)).toString('utf8')))).toEqual(ids(events))
})

test('export takes a NIP-01 filter', async () => {
  const notes = events.filter(({ kind }) => kind === 1)
  expect(ids(eventsOf((await ctl('export', '--kinds', '1')).out))).toEqual(ids(notes))
  const newest = [...notes].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)).slice(0, 7)
  expect(ids(eventsOf((await ctl('export', '--filter', '{"kinds":[1],"limit":7}')).out))).toEqual(ids(newest))
  const tagged = notes.filter(({ tags }) => tags.some(([name, value]) => name === 't' && value === 'nostr'))
  expect(tagged.length).toBeGreaterThan(0)
  expect(ids(eventsOf((await ctl('export', '--kinds', '1', '--tag', 't=nostr')).out))).toEqual(ids(tagged))
  const author = notes[0]?.pubkey ?? ''
  const since = notes[Math.floor(notes.length / 2)]?.created_at ?? 0
  const some = notes.filter(({ pubkey, created_at }) => pubkey === author && created_at >= since)
  expect(
    ids(eventsOf((await ctl('export', '--kinds', '1', '--authors', author, '--since', String(since))).out)),
  ).toEqual(ids(some))
})

test('status tells what is there, and that nobody runs storage', async () => {
  const ran = await ctl('status', '--json')
  expect(ran.exitCode).toBe(1)
  const status = JSON.parse(ran.out)
  expect(status).toMatchObject({ healthy: false, parts: null, deadLetters: { total: 0 } })
  expect(status.problems).toEqual([expect.stringContaining('no storage process')])
  expect(status.topics).toContainEqual({
    name: TOPICS.events,
    partitions: 4,
    replicationFactor: 1,
    offsets: 601,
  })
  expect((await ctl('status')).out).toContain('nostr.events.v1')
})

test('status knows how far a reader is behind, in records and in seconds', async () => {
  const log = testLog()
  const admin = await log.admin()
  const ends = await admin.offsets(TOPICS.events)
  const { logId } = JSON.parse((await ctl('topics', 'describe', '--json')).out) as { logId: string }
  const ch = testClickHouse()
  const rows = ends.map(({ partition, end }) => [
    'storage',
    TOPICS.events,
    logId,
    partition,
    partition === 0 ? end - 5 : end,
    0,
  ])
  unwrap(
    await ch.insertRows(
      'nostr_store.watermarks (sink, topic, log_id, partition, next_offset, appended_at)',
      rows,
    ),
  )
  await ch.close()
  await log.close()
  const { readers, watermarks } = JSON.parse((await ctl('status', '--json')).out)
  expect(watermarks).toHaveLength(4)
  expect(readers).toEqual([
    { name: 'storage', topic: TOPICS.events, by: 'watermark', lagRecords: 5, lagSeconds: expect.any(Number) },
  ])
  expect(readers[0].lagSeconds).toBeGreaterThan(0)
  expect(readers[0].lagSeconds).toBeLessThan(300)
})

test('redrive counts on a dry run, and puts dead letters back otherwise', async () => {
  const log = testLog()
  const producer = await log.producer()
  const [event] = events as [NostrEvent]
  const letter = {
    topic: TOPICS.events,
    partition: 0,
    offset: 0,
    logId: 'x',
    recordKey: Buffer.from(event.id),
    recordValue: Buffer.from('undecodable'),
    headers: {},
    group: 'storage',
    step: 'decode',
    code: 'record-undecodable',
    message: 'of this test',
    refusedAtMs: 0,
  }
  const value = encodeDeadLetter(letter)
  unwrap(
    await producer.append({ topic: TOPICS.deadLetters, partition: 0, key: deadLetterKey(letter), value }),
  )
  await log.close()
  expect(JSON.parse((await ctl('redrive', '--dry-run', '--json')).out)).toMatchObject({
    chosen: 1,
    redriven: 1,
  })
  expect(JSON.parse((await ctl('redrive', '--code', 'topic-mismatch', '--json')).out)).toMatchObject({
    chosen: 0,
  })
  expect(await ctl('redrive', '--code', 'nonsense')).toMatchObject({ exitCode: 2 })
  expect(JSON.parse((await ctl('status', '--json')).out).deadLetters).toEqual({
    total: 1,
    byCode: { 'record-undecodable': 1 },
  })
  expect((await ctl('redrive', '--code', 'record-undecodable')).out).toContain('1 appended')
  expect(JSON.parse((await ctl('status', '--json')).out).deadLetters.total).toBe(0)
})

test('tables reset asks to be sure, then drops everything', async () => {
  expect(await ctl('tables', 'reset')).toMatchObject({ exitCode: 2 })
  expect(await ctl('tables', 'reset', '--yes')).toMatchObject({ exitCode: 0 })
  const ch = testClickHouse()
  const databases = unwrap(
    await ch.query<{ name: string }>("SELECT name FROM system.databases WHERE name LIKE 'nostr%'"),
  )
  await ch.close()
  expect(databases).toEqual([])
})

test('servers that are away are one clear line and exit code 1', async () => {
  const away = { ...env, CLICKHOUSE_URL: 'http://127.0.0.1:1', KAFKA_BROKERS: '127.0.0.1:1' }
  const ran = await run(away, ['tables', 'migrate'])
  expect(ran).toMatchObject({
    exitCode: 1,
    err: expect.stringMatching(/^ctl: .*clickhouse-unavailable\)\n$/),
  })
})
