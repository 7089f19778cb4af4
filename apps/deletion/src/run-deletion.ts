import { relayUrls } from '@millrace/config'
import { RejectsStore } from '@millrace/erasure'
import { createKafkaLog, type Log, type LogProducer, readLogId } from '@millrace/kafka'
import { type Fault, FaultError, fatal, ok, type Result, systemClock, unwrap } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import type { ProcessContext } from '@millrace/observability'
import { onePartition, Runner, TombstoneFollower, type Topology, untilSettled } from '@millrace/pipeline'
import { DeletionState } from '@millrace/projection-deletion'
import { catalogue, heartbeatIntervalMs, TOPICS } from '@millrace/topics'
import { type DeletionAppConfig, GROUP, instanceIdOf, stateFolderOf } from './config.ts'
import { DueTimer } from './due-timer.ts'
import { Heartbeat } from './heartbeat.ts'
import { CleanedLog } from './ledger/cleaned-log.ts'
import { ledgerRoute } from './ledger/ledger-route.ts'
import { LedgerWatch } from './ledger/ledger-watch.ts'
import { OutboxSender } from './outbox-sender.ts'
import { RejectsSweep } from './rejects-sweep.ts'
import { eventsSink, lettersSink } from './sinks.ts'
import { eventsTopology, lettersTopology } from './topology.ts'

type DeletionContext = ProcessContext<DeletionAppConfig>

const RETRY_WAIT_INITIAL_MS = 100
const MINUTE_MS = 60_000
/** Fetches while a batch gathers. */
const RESTS_PER_BATCH = 5
/** Undecodable tombstones in a row: another writer's, and a reason to stop. */
const DEAD_IN_A_ROW_MAX = 100
const DEAD_PER_MINUTE_MAX = 1_000
const LOG_LOOKS_PER_DEADLINE = 64
const REJECTS_SWEEPS_PER_DEADLINE = 8
const LOG_LOOK_INTERVAL_MS_MIN = 1_000

/** Wires the process; a stop while it still waits for Kafka is no failure. */
export async function runDeletion(context: DeletionContext): Promise<void> {
  try {
    await wire(context)
  } catch (cause) {
    if (!context.signal.aborted) throw cause
  }
}

/** State → all tombstones → what a crash left to append → events and dead letters; beside them time, heartbeat and ledger. */
async function wire(context: DeletionContext): Promise<void> {
  const { config, metrics, onStop, onReady, signal } = context
  const log = createKafkaLog(config.kafka, { log: context.log, metrics })
  onStop('log', () => log.close())
  const { partitionCount, logId, ends } = await logFacts(context, log)
  const producer = await log.producer()
  onStop('producer', () => producer.close())
  const state = await openState(context, logId, ends)
  const sender = new OutboxSender({ state, producer, partitionCount, clock: systemClock, metrics })
  const follower = followTombstones(context, { log, producer, state, sender })
  onStop('tombstones', () => follower.stop())
  onReady('tombstones', () => follower.problem)
  unwrap(await follower.start())
  void follower.ended.then((result) => failOn(context, result))
  unwrap(await untilSettled(() => sender.flush(), retryOf(context)))
  const parts: Parts = { log, producer, state, sender }
  const events = await run(context, parts, 'events', eventsTopology(eventsSink(state, sender)))
  const letters = await run(context, parts, 'letters', lettersTopology(lettersSink(state, sender)))
  const onFault = ({ code }: Fault) =>
    context.log.warn({ code }, 'records could not be appended, trying again')
  startTimers(context, parts, events, letters, onFault)
  metrics.onScrape(() => {
    metrics.set('deletion_known_events', {}, state.events)
    metrics.set('deletion_outbox_records', {}, state.outgoingRecords)
  })
  signal.throwIfAborted()
}

interface Parts {
  readonly log: Log
  readonly producer: LogProducer
  readonly state: DeletionState
  readonly sender: OutboxSender
}

type AnyRunner = Pick<Runner<unknown, never>, 'partitions'>

async function openState(context: DeletionContext, logId: string, ends: Ends): Promise<DeletionState> {
  const { config, log, onStop } = context
  const { relayAddress, retention } = config
  const state = await DeletionState.open({
    folder: stateFolderOf(config),
    logId,
    relayUrls: relayUrls(relayAddress, relayAddress.port),
    ends,
    tombstones: new TombstoneSet(),
    policy: retention,
    nowMs: () => systemClock.nowMs(),
  })
  onStop('state', () => state.close())
  await state.applyPolicy(
    () => new Promise((resolve) => setImmediate(resolve)),
    (events) =>
      log.info({ events, of: state.events }, 'looking at every event because what is kept has changed'),
  )
  return state
}

function followTombstones(
  context: DeletionContext,
  { log, producer, state, sender }: Parts,
): TombstoneFollower {
  const { config, metrics } = context
  return new TombstoneFollower({
    log,
    producer,
    group: `${GROUP}.tombstones.${instanceIdOf(config.deletion, config.process.opsPort)}`,
    tombstones: state.tombstones,
    apply: async (tombstones) => {
      state.foldTombstones(tombstones)
      return sender.flush()
    },
    store: state.watermarks,
    readLogId: () => readLogId(log),
    deadLetters: onePartition(TOPICS.deadLetters),
    breaker: BREAKER,
    backoff: backoffOf(context),
    logger: context.log,
    metrics,
  })
}

async function run<T>(
  context: DeletionContext,
  { log, producer, state }: Parts,
  name: string,
  topology: Topology<T>,
): Promise<AnyRunner> {
  const { batchRowsMax, batchBytesMax, batchWaitMs, fetchRecordsMax, sessionTimeoutMs } =
    context.config.deletion
  const runner = new Runner(topology, {
    log,
    producer,
    store: state.watermarks,
    outputs: { deadLetters: onePartition(TOPICS.deadLetters) },
    readLogId: () => readLogId(log),
    batch: { rowsMax: batchRowsMax, bytesMax: batchBytesMax, waitMs: batchWaitMs },
    breaker: BREAKER,
    backoff: backoffOf(context),
    consumer: { batchRecordsMax: fetchRecordsMax, sessionTimeoutMs, restMs: batchWaitMs / RESTS_PER_BATCH },
    clock: systemClock,
    logger: context.log,
    metrics: context.metrics,
  })
  context.onStop(name, () => runner.stop())
  context.onReady(name, () => runner.problem)
  void runner.ended.then((result) => failOn(context, result))
  await runner.start()
  return runner
}

function startTimers(
  context: DeletionContext,
  { log, producer, state, sender }: Parts,
  events: AnyRunner,
  letters: AnyRunner,
  onFault: (fault: Fault) => void,
): void {
  const { config, metrics, onStop, onGet } = context
  const { erasureDeadlineS } = config.topics
  const stopping = new AbortController()
  const isOurs = (partition: number) => events.partitions.includes(partition)
  const due = new DueTimer({
    state,
    sender,
    isOurs,
    clock: systemClock,
    intervalMs: config.deletion.dueIntervalMs,
    metrics,
    onFault,
  })
  const heartbeat = new Heartbeat({
    producer,
    partitions: () => events.partitions,
    letterPartitions: () => letters.partitions,
    intervalMs: heartbeatIntervalMs(erasureDeadlineS),
    metrics,
    onFault,
  })
  const deadlineMs = erasureDeadlineS * 1000
  const watch = new LedgerWatch({
    state,
    log,
    cleaned: new CleanedLog(log, deleteDelayMs(config)),
    clock: systemClock,
    intervalMs: config.deletion.ledgerIntervalMs,
    logIntervalMs: Math.max(LOG_LOOK_INTERVAL_MS_MIN, deadlineMs / LOG_LOOKS_PER_DEADLINE),
    metrics,
    onError: (err) => context.log.warn({ err }, 'the ledger could not be brought up to date'),
  })
  onGet(
    '/erasures',
    ledgerRoute(state, (entry) => watch.waitingFor(entry)),
  )
  const rejects = new RejectsSweep({
    store: new RejectsStore(config.process.dataDir),
    tombstones: state.tombstones,
    intervalMs: deadlineMs / REJECTS_SWEEPS_PER_DEADLINE,
    onFault,
  })
  const running = Promise.all([due, heartbeat, watch, rejects].map((timer) => timer.run(stopping.signal)))
  running.catch((cause: unknown) => context.fail(faultOf(cause)))
  onStop('timers', async () => {
    stopping.abort()
    await running
  })
}

const faultOf = (cause: unknown): Fault =>
  cause instanceof FaultError
    ? cause.fault
    : { code: 'internal', kind: 'transient', message: 'a timer failed', cause }

/** What the topic itself is made with. */
function deleteDelayMs({ topics }: DeletionAppConfig): number {
  const events = catalogue(topics).find(({ name }) => name === TOPICS.events)
  return Number(events?.configs['file.delete.delay.ms'] ?? MINUTE_MS)
}

type Ends = Readonly<Record<string, ReadonlyMap<number, number>>>

interface LogFacts {
  readonly partitionCount: number
  readonly logId: string
  readonly ends: Ends
}

const TOPICS_READ = [TOPICS.events, TOPICS.tombstones, TOPICS.deadLetters] as const

/** Waits for Kafka; the topics are made by `ctl topics apply` before. */
async function logFacts(context: DeletionContext, log: Log): Promise<LogFacts> {
  const read = await untilSettled(async () => {
    const admin = await log.admin()
    try {
      const topic = await admin.describeTopic(TOPICS.events)
      const ends: Record<string, ReadonlyMap<number, number>> = {}
      if (topic !== null)
        for (const name of TOPICS_READ)
          ends[name] = new Map((await admin.offsets(name)).map(({ partition, end }) => [partition, end]))
      return ok({ topic, ends })
    } finally {
      await admin.close()
    }
  }, retryOf(context))
  const { topic, ends } = unwrap(read)
  if (topic === null)
    throw new FaultError(
      fatal('topic-mismatch', `the topic ${TOPICS.events} does not exist: \`ctl topics apply\` makes it`),
    )
  const logId = unwrap(await untilSettled(() => readLogId(log), retryOf(context)))
  return { partitionCount: topic.partitionCount, logId, ends }
}

const BREAKER = {
  deadInARowMax: DEAD_IN_A_ROW_MAX,
  deadInWindowMax: DEAD_PER_MINUTE_MAX,
  windowMs: MINUTE_MS,
}

const backoffOf = ({ config }: DeletionContext) => ({
  initialMs: Math.min(RETRY_WAIT_INITIAL_MS, config.deletion.retryWaitMaxMs),
  maxMs: config.deletion.retryWaitMaxMs,
})

const retryOf = (context: DeletionContext) => ({
  backoff: backoffOf(context),
  signal: context.signal,
  onRetry: ({ code }: Fault) => context.log.warn({ code }, 'waiting for Kafka'),
})

function failOn({ fail, signal }: DeletionContext, result: Result<void>): void {
  if (!result.ok && !signal.aborted) fail(result.fault)
}
