import { ViewReader } from '@millrace/event-store'
import type { Log, Offset } from '@millrace/kafka'
import { delayMs, err, type Fault, ok, type Result, transient } from '@millrace/kernel'
import type { Logger } from '@millrace/observability'
import { TOPICS } from '@millrace/topics'
import { endsOf } from '../live/ends-of.ts'
import type { Edge } from './edge.ts'
import type { EdgeStore } from './store.ts'

export interface CatchUpParts {
  readonly kafka: Log
  readonly store: Pick<EdgeStore, 'readKeys'>
  readonly log: Logger
  readonly signal: AbortSignal
}

const PROGRESS_MS = 1_000
const SHUTTING_DOWN: Fault = transient('shutting-down', 'stopped while starting')

/**
 * Brings the edge to where it may answer: all tombstones → every event to the log's end as of now, from where `startOf` says. Answers
 * where it began. Faults: log-foreign, watermark-past-end (fatal), shutting-down.
 */
export async function catchUp(edge: Edge, parts: CatchUpParts): Promise<Result<ReadonlyMap<number, Offset>>> {
  const { kafka, log, signal } = parts
  const ends = await endsOf(kafka, TOPICS.events)
  await edge.requests.begin()
  await kafka.readToEnd(TOPICS.tombstones, (batch) => {
    edge.tombstones.onTombstones(batch)
    edge.positions.advance(batch.topic, batch.partition, batch.nextOffset)
  })
  const [start] = await Promise.all([startOf(edge, parts), edge.view?.start(ends, edge.onViewApplied)])
  if (signal.aborted) return err(SHUTTING_DOWN)
  if (!start.ok) return start
  for (const partition of ends.keys())
    edge.positions.advance(TOPICS.events, partition, start.value.get(partition) ?? 0)
  await edge.requests.catchUp(edge.eventPositions(), edge.findTargets)
  void edge.requests.settleWhile(signal)
  await edge.logReader.start()
  const isThere = edge.positions.reached(TOPICS.events, ends, signal)
  void reportProgress(edge, ends, isThere, log, signal)
  const endings = [edge.logReader.ended, edge.view?.ended].filter((ending) => ending !== undefined)
  const ended = await Promise.race([isThere, ...endings])
  if (signal.aborted) return err(SHUTTING_DOWN)
  if (ended !== undefined && !ended.ok) return ended
  log.info({ overlay_events: edge.overlay.events }, 'the log is read up to its end')
  return start
}

/**
 * Where the live reader begins: at storage's watermarks. If the serving view has the whole log before the store answers, where
 * storage was when the view last heard of it; and if the view left nothing to the store, where the view is.
 */
async function startOf(
  edge: Edge,
  { log, signal }: CatchUpParts,
): Promise<Result<ReadonlyMap<number, Offset>>> {
  const answered = edge.watermarks.first(signal)
  const ended = edge.view === null ? [] : [edge.view.ended.then((end) => (end.ok ? err(SHUTTING_DOWN) : end))]
  const first = await Promise.race([answered, edge.viewServes.then(ok), ...ended])
  if (!first.ok) return first
  void answered.then(() => edge.watermarks.follow(signal))
  const { value } = first
  if (!(value instanceof ViewReader)) return ok(value)
  const { away } = edge.watermarks
  if (away === null) log.info('the serving view was ready before the store: starting with what it has')
  else log.warn({ away }, 'the store does not answer: starting with what the serving view has')
  edge.watermarks.expect(value.state.stored)
  return ok(value.isWhole ? value.positions : value.state.stored)
}

/** What a long start is doing; resolves with the start. */
async function reportProgress(
  edge: Edge,
  ends: ReadonlyMap<number, number>,
  isThere: Promise<void>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let isDone = false
  void isThere.then(() => {
    isDone = true
  })
  while (true) {
    await Promise.race([isThere, delayMs(PROGRESS_MS, signal)])
    if (isDone || signal.aborted) return
    const positions = edge.eventPositions()
    let left = 0
    for (const [partition, end] of ends) left += Math.max(0, end - (positions.get(partition) ?? 0))
    const message = edge.room.isAwaited ? 'the overlay is full: waiting for storage' : 'reading the log'
    log.info({ records_left: left, overlay_events: edge.overlay.events }, message)
  }
}

/**
 * Fills the duplicate filter from the store, beside everything else: until it is complete every EVENT costs a lookup. What
 * storage has not covered yet came with the log, so the store is not asked before it has what lies before.
 *
 * @param start where the live reader began
 */
export async function learnStoredKeys(
  edge: Edge,
  start: ReadonlyMap<number, Offset>,
  { store, log, signal }: CatchUpParts,
): Promise<void> {
  const startMs = performance.now()
  while (!signal.aborted) {
    if (!edge.watermarks.covers(start)) {
      await delayMs(PROGRESS_MS, signal)
      continue
    }
    const read = await store.readKeys(edge.known, signal)
    if (signal.aborted) return
    if (read.ok) {
      edge.known.markComplete()
      log.info({ ids: edge.known.ids, ms: Math.round(performance.now() - startMs) }, 'stored ids are known')
      return
    }
    log.warn({ code: read.fault.code }, 'stored ids could not be read, trying again')
    await delayMs(PROGRESS_MS, signal)
  }
}
