import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEnvelope } from '@millrace/codec'
import { createMemoryLog, type LogProducer, type MemoryLog } from '@millrace/kafka'
import { err, FaultError, systemClock, transient, unwrap } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import { type SignedEvent, sign, testKey } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CheckpointFile } from './checkpoint.ts'
import { Importer, type ImportPorts } from './importer.ts'
import { FILE_START, type LineBatch, lineBatches } from './lines.ts'
import { RejectsFile } from './rejects-file.ts'
import { NO_COUNTS } from './report.ts'

const PARTITIONS = 4
const LOG_ID = 'log of this test'
const EVENTS: SignedEvent[] = Array.from({ length: 40 }, (_, i) =>
  sign({ kind: 1, content: `${i}`, created_at: 1_700_000_000 + i }, testKey(i % 5)),
)

let folder: string
let log: MemoryLog
let producer: LogProducer
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctl-import-'))
  log = createMemoryLog({
    topics: [{ name: TOPICS.events, partitionCount: PARTITIONS, replicationFactor: 1, configs: {} }],
  })
  producer = await log.producer()
})
afterEach(async () => {
  await log.close()
  await rm(folder, { recursive: true })
})

async function* chunks(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

const linesOf = (text: string, from = FILE_START, batchLinesMax = 3): AsyncIterable<LineBatch> =>
  lineBatches(chunks(text.slice(from.offset)), from, {
    lineBytesMax: 10_000,
    batchLinesMax,
    batchBytesMax: 100_000,
  })

const ports = (over: Partial<ImportPorts> = {}): ImportPorts => ({
  producer,
  partitionCount: PARTITIONS,
  logId: LOG_ID,
  rules: {
    eventFutureMaxS: 900,
    allowProtected: false,
    tombstones: new TombstoneSet(),
    verifier: null,
    clock: systemClock,
  },
  rejects: new RejectsFile(join(folder, 'rejects.jsonl'), 0),
  checkpoint: new CheckpointFile(folder, 'hash'),
  signal: new AbortController().signal,
  onProgress: () => {},
  ...over,
})

const appendedIds = (): string[] => log.records(TOPICS.events).map(({ key }) => String(key))
const jsonl = (events: readonly unknown[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')
const rejects = async (): Promise<{ line: number; code: string; text: string }[]> =>
  (await readFile(join(folder, 'rejects.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('every event is in the partition of its owner, under its id, in the order of the file', async () => {
  const report = await new Importer(ports(), FILE_START, NO_COUNTS).run(linesOf(jsonl(EVENTS)))
  expect(report).toMatchObject({
    end: 'done',
    appended: 40,
    duplicates: 0,
    rejected: {},
    lines: 40,
    rejectsPath: null,
  })
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = log.records(TOPICS.events).filter((record) => record.partition === partition)
    const expected = EVENTS.filter(({ pubkey }) => partitionOfOwner(pubkey, PARTITIONS) === partition)
    expect(records.map(({ key }) => String(key))).toEqual(expected.map(({ id }) => id))
  }
  const [first] = log.records(TOPICS.events)
  const envelope = unwrap(decodeEnvelope(first?.value ?? Buffer.alloc(0)))
  expect(envelope.receipt).toMatchObject({ source: 'import', edge: 'ctl' })
  expect(EVENTS).toContainEqual(envelope.event)
})

test('bad lines go to the rejects file with reason and line number, duplicates are counted, the rest goes in', async () => {
  const [a, b, c] = EVENTS as [SignedEvent, SignedEvent, SignedEvent]
  const text = `${JSON.stringify(a)}\nnot json\n\n${JSON.stringify({ ...b, content: 'forged' })}\n${JSON.stringify(a)}\n${JSON.stringify(c)}`
  const report = await new Importer(ports(), FILE_START, NO_COUNTS).run(linesOf(text))
  expect(report).toMatchObject({
    appended: 2,
    duplicates: 1,
    rejected: { 'event-malformed': 1, 'event-id-mismatch': 1 },
    lines: 6,
  })
  expect(await rejects()).toMatchObject([
    { line: 2, code: 'event-malformed', text: 'not json' },
    { line: 4, code: 'event-id-mismatch' },
  ])
  expect(appendedIds().sort()).toEqual([a.id, c.id].sort())
})

test('an interrupted import goes on where it was, and counts over all its runs', async () => {
  const text = jsonl([...EVENTS.slice(0, 20), 'bad', ...EVENTS.slice(20)])
  const abort = new AbortController()
  const first = ports({
    signal: abort.signal,
    onProgress: (appended) => {
      if (appended >= 9) abort.abort()
    },
  })
  // One line a batch, so that the file is longer than the window in flight.
  const interrupted = await new Importer(first, FILE_START, NO_COUNTS).run(linesOf(text, FILE_START, 1))
  expect(interrupted.end).toBe('interrupted')
  const checkpoint = await first.checkpoint?.read(LOG_ID)
  if (!checkpoint) throw new Error('no checkpoint')
  expect(checkpoint.isDone).toBe(false)
  expect(checkpoint.counts.appended).toBe(appendedIds().length)

  const second = ports({ rejects: new RejectsFile(join(folder, 'rejects.jsonl'), checkpoint.rejectsBytes) })
  const done = await new Importer(second, checkpoint.position, checkpoint.counts).run(
    linesOf(text, checkpoint.position),
  )
  expect(done).toMatchObject({ end: 'done', appended: 40, rejected: { 'event-malformed': 1 }, lines: 41 })
  expect(appendedIds()).toHaveLength(40)
  expect(await rejects()).toHaveLength(1)
  expect((await second.checkpoint?.read(LOG_ID))?.isDone).toBe(true)
  expect(await second.checkpoint?.read('another log')).toBeNull()
})

test('when Kafka refuses, the checkpoint is the prefix that is acknowledged, and the next run leaves no gap', async () => {
  const text = jsonl(EVENTS)
  let calls = 0
  const failing: Pick<LogProducer, 'append'> = {
    append: async (record) =>
      ++calls === 17 ? err(transient('kafka-unavailable', 'the broker is away')) : producer.append(record),
  }
  const first = ports({ producer: failing })
  const run = new Importer(first, FILE_START, NO_COUNTS).run(linesOf(text))
  await expect(run).rejects.toThrow(FaultError)
  const checkpoint = await first.checkpoint?.read(LOG_ID)
  // Batches of three: the 17th line is in the sixth.
  expect(checkpoint).toMatchObject({ isDone: false, position: { lines: 15 }, counts: { appended: 15 } })
  const position = checkpoint?.position ?? FILE_START
  await new Importer(ports(), position, checkpoint?.counts ?? NO_COUNTS).run(linesOf(text, position))
  expect(new Set(appendedIds())).toEqual(new Set(EVENTS.map(({ id }) => id)))
})

test('a verifier that breaks ends the import; its line is not taken for a bad one', async () => {
  const verifier = { verify: () => Promise.reject(new FaultError(transient('queue-full', 'full'))) }
  const broken = ports({ rules: { ...ports().rules, verifier } })
  await expect(new Importer(broken, FILE_START, NO_COUNTS).run(linesOf(jsonl(EVENTS)))).rejects.toThrow(
    /queue-full/,
  )
  expect((await broken.checkpoint?.read(LOG_ID))?.counts.rejected).toEqual({})
})

test('an interrupt does not wait for a pipe that has nothing to say', async () => {
  const abort = new AbortController()
  async function* stalled(): AsyncGenerator<LineBatch> {
    yield* linesOf(jsonl(EVENTS.slice(0, 6)))
    abort.abort()
    await new Promise(() => {})
  }
  const report = await new Importer(ports({ signal: abort.signal }), FILE_START, NO_COUNTS).run(stalled())
  expect(report).toMatchObject({ end: 'interrupted', appended: 6, lines: 6 })
})
