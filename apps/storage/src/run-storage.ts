import { type ClickHouse, createClickHouse } from '@millrace/clickhouse'
import type { ConfigOf } from '@millrace/config'
import { createKafkaLog, type Log, type LogProducer, readLogId } from '@millrace/kafka'
import { FaultError, fatal, ok, type Result, systemClock, unwrap } from '@millrace/kernel'
import type { ProcessContext } from '@millrace/observability'
import {
  type BreakerOptions,
  onePartition,
  Runner,
  TombstoneFollower,
  untilSettled,
} from '@millrace/pipeline'
import { createClickHouseErasure, createEventsSink } from '@millrace/projection-events'
import { TOPICS } from '@millrace/topics'
import { GROUP, instanceIdOf, type StorageConfig, type storageSections } from './config.ts'
import { Eraser } from './eraser.ts'
import { observeQueries } from './observe-queries.ts'
import { OrderedSink } from './ordered-sink.ts'
import { storageTopology } from './topology.ts'
import { clickHouseWatermarks } from './watermarks.ts'

type StorageContext = ProcessContext<ConfigOf<typeof storageSections>>

const RETRY_WAIT_INITIAL_MS = 100
const MINUTE_MS = 60_000
const ERASURE_WAIT_MS_MAX = 60_000
/** Fetches while a batch gathers. */
const RESTS_PER_BATCH = 5

/** Wires the process; a stop while it still waits for Kafka or ClickHouse is no failure. */
export async function runStorage(context: StorageContext): Promise<void> {
  try {
    await wire(context)
  } catch (cause) {
    if (!context.signal.aborted) throw cause
  }
}

/** Tombstones first, then events; whatever ends on its own ends the process. */
async function wire(context: StorageContext): Promise<void> {
  const { config, metrics, onStop, onReady } = context
  const log = createKafkaLog(config.kafka, { log: context.log, metrics })
  onStop('log', () => log.close())
  const ch = createClickHouse(config.clickhouse, 'insert', { onQuery: observeQueries(metrics) })
  onStop('clickhouse', () => ch.close())
  onReady('clickhouse', async () => problemOf(await ch.ping()))
  const producer = await log.producer()
  onStop('producer', () => producer.close())
  const partitionCount = await eventPartitionCount(context, log)
  const parts = { log, producer, ch }
  const sink = new OrderedSink(createEventsSink(ch), () => follower.tombstones)
  const follower: TombstoneFollower = followTombstones(context, parts, sink)
  await startFollower(context, follower)
  await startEraser(context, parts, follower)
  const topology = storageTopology({ partitionCount, tombstones: follower.tombstones, sink, metrics })
  const runner = new Runner(topology, runnerOptions(context, parts))
  onStop('events', () => runner.stop())
  onReady('events', () => runner.problem)
  void runner.ended.then((result) => failOn(context, result))
  await runner.start()
}

interface Parts {
  readonly log: Log
  readonly producer: LogProducer
  readonly ch: ClickHouse
}

function followTombstones(
  context: StorageContext,
  { log, producer, ch }: Parts,
  sink: OrderedSink,
): TombstoneFollower {
  const { config, metrics } = context
  const instanceId = instanceIdOf(config.storage, config.process.opsPort)
  return new TombstoneFollower({
    log,
    producer,
    group: `${GROUP}.tombstones.${instanceId}`,
    apply: (tombstones) => sink.applyTombstones(tombstones),
    store: clickHouseWatermarks(ch, `${GROUP}.${instanceId}`),
    readLogId: () => readLogId(log),
    deadLetters: onePartition(TOPICS.deadLetters),
    breaker: breakerOf(config.storage),
    backoff: backoffOf(config.storage),
    logger: context.log,
    metrics,
  })
}

async function startFollower(context: StorageContext, follower: TombstoneFollower): Promise<void> {
  context.onStop('tombstones', () => follower.stop())
  context.onReady('tombstones', () => follower.problem)
  unwrap(await follower.start())
  void follower.ended.then((result) => failOn(context, result))
}

/** Beside everything else: what it deletes is hidden already. */
async function startEraser(
  context: StorageContext,
  { log, ch }: Parts,
  follower: TombstoneFollower,
): Promise<void> {
  const { config, metrics } = context
  const instanceId = instanceIdOf(config.storage, config.process.opsPort)
  const { erasureWaitMs, erasureTombstonesMax } = config.storage
  const eraser = new Eraser({
    log,
    group: `${GROUP}.erasure.${instanceId}`,
    store: createClickHouseErasure(ch, {
      eraser: instanceId,
      onErased: (events) => metrics.count('storage_erasure_events_total', {}, events),
    }),
    watermarks: clickHouseWatermarks(ch, `${GROUP}.${instanceId}.erasure`),
    readLogId: () => readLogId(log),
    hidden: () => follower.applied,
    waitMs: erasureWaitMs || erasureWaitOf(config.erasure.deadlineS),
    batchTombstonesMax: erasureTombstonesMax,
    retry: {
      backoff: backoffOf(config.storage),
      onRetry: ({ code }) => context.log.warn({ code }, 'erasing waits for ClickHouse'),
    },
    clock: systemClock,
    logger: context.log,
    metrics,
  })
  context.onStop('eraser', () => eraser.stop())
  unwrap(await eraser.start())
  void eraser.ended.then((result) => failOn(context, result))
}

/** A sixteenth of the deadline: rows deleted together cost what the first of them costs. */
const erasureWaitOf = (deadlineS: number): number => Math.min(ERASURE_WAIT_MS_MAX, (deadlineS * 1000) / 16)

function runnerOptions({ config, log: logger, metrics }: StorageContext, { log, producer, ch }: Parts) {
  const { batchRowsMax, batchBytesMax, batchWaitMs, fetchRecordsMax, sessionTimeoutMs } = config.storage
  return {
    log,
    producer,
    store: clickHouseWatermarks(ch, GROUP),
    outputs: { deadLetters: onePartition(TOPICS.deadLetters) },
    readLogId: () => readLogId(log),
    batch: { rowsMax: batchRowsMax, bytesMax: batchBytesMax, waitMs: batchWaitMs },
    breaker: breakerOf(config.storage),
    backoff: backoffOf(config.storage),
    consumer: { batchRecordsMax: fetchRecordsMax, sessionTimeoutMs, restMs: batchWaitMs / RESTS_PER_BATCH },
    clock: systemClock,
    logger,
    metrics,
  }
}

/** Waits for Kafka; the topics are made by `ctl topics apply` before. */
async function eventPartitionCount(
  { log: logger, signal, config }: StorageContext,
  log: Log,
): Promise<number> {
  const described = await untilSettled(
    async () => {
      const admin = await log.admin()
      return ok(await admin.describeTopic(TOPICS.events).finally(() => admin.close()))
    },
    {
      backoff: backoffOf(config.storage),
      signal,
      onRetry: ({ code }) => logger.warn({ code }, 'waiting for Kafka'),
    },
  )
  const topic = unwrap(described)
  if (topic === null)
    throw new FaultError(
      fatal('topic-mismatch', `the topic ${TOPICS.events} does not exist: \`ctl topics apply\` makes it`),
    )
  return topic.partitionCount
}

const breakerOf = ({ deadInARowMax, deadPerMinuteMax }: StorageConfig): BreakerOptions => ({
  deadInARowMax,
  deadInWindowMax: deadPerMinuteMax,
  windowMs: MINUTE_MS,
})

const backoffOf = ({ retryWaitMaxMs }: StorageConfig) => ({
  initialMs: Math.min(RETRY_WAIT_INITIAL_MS, retryWaitMaxMs),
  maxMs: retryWaitMaxMs,
})

const problemOf = (result: Result<unknown>): string | null => (result.ok ? null : result.fault.message)

function failOn({ fail, signal }: StorageContext, result: Result<void>): void {
  if (!result.ok && !signal.aborted) fail(result.fault)
}
