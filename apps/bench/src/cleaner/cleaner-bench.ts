import { stat } from 'node:fs/promises'
import { setTimeout as delayMs } from 'node:timers/promises'
import {
  createKafkaLog,
  type Log,
  type LogProducer,
  listSegmentFiles,
  type OutgoingRecord,
  readSegments,
} from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { catalogue, DEFAULT_TOPIC_OPTIONS, TICK_KEY_PREFIX, TOPICS } from '@millrace/topics'
import type { Steps } from '../steps.ts'
import type { CleanerPass } from './cleaner-log.ts'
import { syntheticEvent } from './events.ts'
import { type CleanerBroker, type ProcessIo, startBroker } from './own-broker.ts'

export interface CleanerBenchOptions {
  readonly events: number
  readonly partitions: number
  readonly nulledPercent: number
  /** Rounds of null and clean; the log that the second one finds is clean but for the nulls, as it is day after day. */
  readonly rounds: number
  readonly folder: string
  readonly properties: Readonly<Record<string, string>>
}

export interface CleaningRound {
  readonly nulled: number
  readonly logBytesBefore: number
  readonly logBytesAfter: number
  /** From the moment that cleaning was allowed to the last file unlinked, seconds. */
  readonly goneAfterS: number
  readonly passes: readonly CleanerPass[]
  /** Of the broker's process meanwhile. */
  readonly io: ProcessIo
  /** Nulled values that were still in a file: 0, or the round was not what it says. */
  readonly left: number
}

export interface CleanerReport {
  readonly events: number
  readonly partitions: number
  readonly valueBytesMean: number
  readonly rounds: readonly CleaningRound[]
  readonly residentMib: number
  readonly warnings: readonly string[]
}

const TOPIC = TOPICS.events
const CLEANED_MS = 1000
const NEVER_MS = 7 * 24 * 3600 * 1000
const ROUND_TIMEOUT_MS = 10 * 60_000
const APPENDS_AT_ONCE = 10_000

/** Fills a log, nulls a share of it, lets the cleaner loose, and tells what that cost and how long it took. */
export async function benchCleaner(options: CleanerBenchOptions, steps: Steps): Promise<CleanerReport> {
  const broker = await startBroker(options.folder, options.properties)
  const log = createKafkaLog({
    brokers: [broker.brokers],
    clientId: 'bench',
    ssl: false,
    sslCaFile: null,
    sasl: null,
  })
  try {
    await createTopic(log, options.partitions)
    const { marked, valueBytesMean } = await steps.step(`${options.events} events`, (progress) =>
      fill(log, options, progress),
    )
    const rounds: CleaningRound[] = []
    for (let round = 0; round < options.rounds; round++) {
      const share = marked.filter((_, index) => index % options.rounds === round)
      rounds.push(
        await steps.step(`round ${round + 1}: ${share.length} nulled, until gone`, () =>
          cleaned(broker, log, options.partitions, share),
        ),
      )
    }
    return {
      events: options.events,
      partitions: options.partitions,
      valueBytesMean,
      rounds,
      residentMib: broker.residentMib(),
      warnings: broker.warnings,
    }
  } finally {
    await log.close()
    await broker.stop()
  }
}

const cleaning = (isAllowed: boolean): Readonly<Record<string, string>> => {
  const ms = String(isAllowed ? CLEANED_MS : NEVER_MS)
  // A ratio of 1 is never exceeded: the lag alone decides, as on a log that is large.
  return { 'segment.ms': ms, 'max.compaction.lag.ms': ms, 'min.cleanable.dirty.ratio': '1' }
}

async function createTopic(log: Log, partitionCount: number): Promise<void> {
  const topics = catalogue({ ...DEFAULT_TOPIC_OPTIONS, durability: 'process' })
  const configs = topics.find(({ name }) => name === TOPIC)?.configs
  const admin = await log.admin()
  await admin.createTopic({
    name: TOPIC,
    partitionCount,
    replicationFactor: 1,
    configs: { ...configs, ...cleaning(false), 'file.delete.delay.ms': '1000' },
  })
  await admin.close()
}

async function setCleaning(log: Log, isAllowed: boolean): Promise<void> {
  const admin = await log.admin()
  await admin.alterTopicConfigs(TOPIC, cleaning(isAllowed))
  await admin.close()
}

interface Marked {
  readonly id: string
  readonly partition: number
}

/** `nulledPercent` of the events are marked for each round, by their ids, which are random. */
async function fill(
  log: Log,
  { events, partitions, nulledPercent, rounds }: CleanerBenchOptions,
  progress: (done: number, total: number) => void,
): Promise<{ readonly marked: readonly Marked[]; readonly valueBytesMean: number }> {
  const producer = await log.producer({ lanes: 2 })
  const marked: Marked[] = []
  let bytes = 0
  for (let first = 0; first < events; first += APPENDS_AT_ONCE) {
    const records: OutgoingRecord[] = []
    for (let index = first; index < Math.min(events, first + APPENDS_AT_ONCE); index++) {
      const { id, value } = syntheticEvent(index)
      const partition = index % partitions
      bytes += value.length
      records.push({ topic: TOPIC, partition, key: id, value })
      if (Number.parseInt(id.slice(0, 8), 16) / 2 ** 32 < (nulledPercent * rounds) / 100)
        marked.push({ id, partition })
    }
    await appended(producer, records)
    progress(first, events)
  }
  await producer.close()
  return { marked, valueBytesMean: bytes / events }
}

async function appended(producer: LogProducer, records: readonly OutgoingRecord[]): Promise<void> {
  for (const result of await Promise.all(records.map((record) => producer.append(record)))) unwrap(result)
}

async function cleaned(
  broker: CleanerBroker,
  log: Log,
  partitions: number,
  nulled: readonly Marked[],
): Promise<CleaningRound> {
  const producer = await log.producer()
  for (let first = 0; first < nulled.length; first += APPENDS_AT_ONCE)
    await appended(
      producer,
      nulled
        .slice(first, first + APPENDS_AT_ONCE)
        .map(({ id, partition }) => ({ topic: TOPIC, partition, key: id, value: null })),
    )
  const ends = await endsOf(log)
  const logBytesBefore = await logBytes(broker)
  const [io, passesBefore, startedMs] = [broker.io(), broker.passes.length, performance.now()]
  await setCleaning(log, true)
  // One append per partition rolls its segment; more of them would make more passes than it takes.
  await delayMs(CLEANED_MS * 1.5)
  await appended(producer, ticks(partitions))
  const isCovered = () =>
    ends.every((end, partition) =>
      broker.passes.slice(passesBefore).some((pass) => pass.partition === partition && pass.dirtyTo >= end),
    )
  while (!isCovered() || (await leftovers(broker)) > 0) {
    if (performance.now() - startedMs > ROUND_TIMEOUT_MS)
      throw new Error(`the cleaner did not get through; ${broker.passes.length} passes seen`)
    await delayMs(CLEANED_MS / 4)
  }
  const goneAfterS = (performance.now() - startedMs) / 1000
  const ioAfter = broker.io()
  await setCleaning(log, false)
  await producer.close()
  return {
    nulled: nulled.length,
    logBytesBefore,
    logBytesAfter: await logBytes(broker),
    goneAfterS,
    passes: broker.passes.slice(passesBefore),
    io: difference(ioAfter, io),
    left: await valuesLeft(broker, nulled),
  }
}

const ticks = (partitions: number): readonly OutgoingRecord[] =>
  Array.from({ length: partitions }, (_, partition) => ({
    topic: TOPIC,
    partition,
    key: `${TICK_KEY_PREFIX}${partition}`,
    value: null,
  }))

const difference = (after: ProcessIo, before: ProcessIo): ProcessIo => ({
  readCallBytes: after.readCallBytes - before.readCallBytes,
  writeCallBytes: after.writeCallBytes - before.writeCallBytes,
  diskReadBytes: after.diskReadBytes - before.diskReadBytes,
  diskWriteBytes: after.diskWriteBytes - before.diskWriteBytes,
})

async function endsOf(log: Log): Promise<readonly number[]> {
  const admin = await log.admin()
  const offsets = await admin.offsets(TOPIC)
  await admin.close()
  return offsets.map(({ end }) => end)
}

const placeOf = ({ logDir }: CleanerBroker) => ({ logDir, topics: [TOPIC] })

/** Files that are on their way in or out. */
const leftovers = async (broker: CleanerBroker): Promise<number> =>
  (await listSegmentFiles(placeOf(broker))).files.filter(({ file }) => !file.endsWith('.log')).length

async function logBytes(broker: CleanerBroker): Promise<number> {
  const { files } = await listSegmentFiles(placeOf(broker))
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function valuesLeft(broker: CleanerBroker, nulled: readonly Marked[]): Promise<number> {
  const ids = new Set(nulled.map(({ id }) => id))
  let left = 0
  const { problems } = await readSegments(placeOf(broker), ({ key, value }) => {
    if (value !== null && key !== null && ids.has(key.toString('latin1'))) left++
  })
  const [problem] = problems
  if (problem !== undefined) throw new Error(`${problem.file}: ${problem.problem}`)
  return left
}
