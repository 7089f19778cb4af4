import { parentPort, workerData } from 'node:worker_threads'
import { createKafkaLog, type KafkaLogger } from '@millrace/kafka'
import { assert, type Fault, FaultError, systemClock, transient } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import { openView } from './open-view.ts'
import { ViewFeed } from './view-feed.ts'
import type { FromViewThread, ToViewThread, ViewLogLevel, ViewThreadData } from './view-messages.ts'

// The thread that writes the view, so that the edge's own only ever reads it.

/**
 * Many, because lists that many events are in are then written once for all of them, and so are pages; not more, because every
 * page that a transaction changes is in memory until its end.
 */
const TRANSACTION_EVENTS_MAX = 5_000
/** While the view is filled nobody waits for this thread. */
const FILL_RECORDS_MAX = 50_000
const FILL_BYTES_MAX = 64 * 1024 * 1024

assert(parentPort !== null, 'this file runs as a worker thread')
const port = parentPort
const data = workerData as ViewThreadData
const post = (message: FromViewThread) => port.postMessage(message)

const logAt =
  (level: ViewLogLevel) =>
  (fields: object, message: string): void => {
    try {
      post({ type: 'log', level, fields, message })
    } catch {
      // Fields that cannot be cloned, such as an error with a socket in it.
      post({ type: 'log', level, fields: {}, message })
    }
  }
const log: KafkaLogger = {
  debug: logAt('debug'),
  info: logAt('info'),
  warn: logAt('warn'),
  error: logAt('error'),
}

const faultOf = (cause: unknown): Fault =>
  cause instanceof FaultError
    ? cause.fault
    : transient('internal', `the serving view failed: ${String(cause)}`)

const end = (fault: Fault | null) => {
  post({ type: 'ended', fault: fault && { code: fault.code, kind: fault.kind, message: fault.message } })
}

let followed = Promise.withResolvers<void>()

/** Tells the edge of the new file, and waits until all its readers are there. */
async function follow(): Promise<void> {
  followed = Promise.withResolvers()
  post({ type: 'moved' })
  await followed.promise
}

async function run(): Promise<void> {
  const tombstones = new TombstoneSet()
  const view = await openView(data.folder, data.bounds, data.logId, tombstones, log)
  const kafka = createKafkaLog(data.kafka, { log })
  const feed = new ViewFeed({
    kafka,
    edgeId: data.edgeId,
    view,
    tombstones,
    partitionCount: data.partitionCount,
    clock: systemClock,
    log,
    transactionEventsMax: TRANSACTION_EVENTS_MAX,
    fill: { recordsMax: FILL_RECORDS_MAX, bytesMax: FILL_BYTES_MAX },
    erasureDeadlineS: data.erasureDeadlineS,
    follow,
    onApplied: (applied) => post({ type: 'applied', ...applied }),
  })
  void feed.ended.then((ended) => end(ended.ok ? null : ended.fault))
  port.on('message', (message: ToViewThread) => {
    if (message.type === 'start')
      feed.start(message.ends).then(
        () => post({ type: 'started' }),
        (cause: unknown) => end(faultOf(cause)),
      )
    else if (message.type === 'stored') feed.stored(message.nextOffsets)
    else if (message.type === 'settle') feed.settle(message.settlements)
    else if (message.type === 'followed') followed.resolve()
    else
      void feed
        .stop()
        .then(() => kafka.close())
        .finally(() => port.close())
  })
  post({ type: 'opened' })
}

run().catch((cause: unknown) => end(faultOf(cause)))
