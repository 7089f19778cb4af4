import { encodeEnvelope } from '@millrace/codec'
import type { LogProducer, Placement } from '@millrace/kafka'
import { type FaultCode, FaultError, type Result } from '@millrace/kernel'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { type AdmissionRules, type Admitted, admit } from './admission.ts'
import type { Checkpoint, CheckpointFile } from './checkpoint.ts'
import type { FilePosition, Line, LineBatch } from './lines.ts'
import { RecentIds } from './recent-ids.ts'
import type { RejectsFile } from './rejects-file.ts'
import { type ImportCounts, type ImportEnd, type ImportReport, rejectedTotal } from './report.ts'

/** Batches between the file and Kafka's acknowledgement: with `LINE_LIMITS` at most 4,096 lines or 32 MiB. */
const BATCHES_IN_FLIGHT_MAX = 16
/** Ids remembered to find duplicates within the file: twice this many, about 60 MiB. */
const RECENT_IDS_PER_GENERATION = 250_000
/** Between two checkpoints, milliseconds. */
const CHECKPOINT_INTERVAL_MS = 2_000
/** Who took the events in, as their receipts say. */
const EDGE = 'ctl'

export interface ImportPorts {
  readonly producer: Pick<LogProducer, 'append'>
  readonly partitionCount: number
  readonly logId: string
  readonly rules: AdmissionRules
  readonly rejects: RejectsFile
  /** Null for stdin, which cannot be resumed. */
  readonly checkpoint: CheckpointFile | null
  /** Aborts to interrupt: what is in flight is finished, the rest is left for the next run. */
  readonly signal: AbortSignal
  readonly onProgress: (appended: number) => void
}

type Outcome = { readonly line: Line } & (
  | { readonly type: 'rejected'; readonly verdict: Result<Admitted> & { readonly ok: false } }
  | { readonly type: 'duplicate' }
  | { readonly type: 'appended'; readonly acknowledged: Promise<Result<Placement>> }
)

interface Submitted {
  readonly outcomes: readonly Outcome[]
  readonly next: FilePosition
}

/**
 * Lines in, records out. Batches are judged side by side, appended in the order of the file and counted once all of a batch
 * is acknowledged, so that the checkpoint is always a true prefix. A fault that is not the line's own (Kafka away, a broken
 * verifier) ends the import with a FaultError after the checkpoint of that prefix is written.
 */
export class Importer {
  readonly #ports: ImportPorts
  readonly #recentIds = new RecentIds(RECENT_IDS_PER_GENERATION)
  readonly #startedMs = performance.now()
  readonly #appendedBefore: number
  #position: FilePosition
  #appended: number
  #duplicates: number
  readonly #rejected: Partial<Record<FaultCode, number>>
  #lastSubmitted: Promise<unknown> = Promise.resolve()
  #checkpointedMs = performance.now()

  constructor(ports: ImportPorts, position: FilePosition, counts: ImportCounts) {
    this.#ports = ports
    this.#position = position
    this.#appended = counts.appended
    this.#appendedBefore = counts.appended
    this.#duplicates = counts.duplicates
    this.#rejected = { ...counts.rejected }
  }

  async run(batches: AsyncIterable<LineBatch>): Promise<ImportReport> {
    const inFlight: Promise<Submitted>[] = []
    let end: ImportEnd = 'done'
    try {
      const iterator = batches[Symbol.asyncIterator]()
      for (;;) {
        const next = await nextUnlessAborted(iterator, this.#ports.signal)
        if (next === 'aborted') end = 'interrupted'
        if (next === 'aborted' || next.done === true) break
        inFlight.push(this.#submit(next.value))
        if (inFlight.length >= BATCHES_IN_FLIGHT_MAX)
          await this.#settle(inFlight.shift() as Promise<Submitted>)
      }
      for (const submitted of inFlight) await this.#settle(submitted)
    } catch (cause) {
      await this.#writeCheckpoint(false)
      throw cause
    }
    await this.#writeCheckpoint(end === 'done')
    return this.#report(end)
  }

  /** Starts judging at once, appends after the batch before. */
  #submit(batch: LineBatch): Promise<Submitted> {
    const judged = Promise.all(batch.lines.map((line) => admit(line, this.#ports.rules)))
    const before = this.#lastSubmitted
    const submitted = (async () => {
      const verdicts = await judged
      await before
      return { outcomes: batch.lines.map((line, at) => this.#append(line, verdicts[at])), next: batch.next }
    })()
    // Whoever awaits it sees the failure; after an earlier one nobody does.
    submitted.catch(() => {})
    this.#lastSubmitted = submitted
    return submitted
  }

  #append(line: Line, verdict: Result<Admitted> | undefined): Outcome {
    if (verdict === undefined) throw new Error('a line without a verdict')
    if (!verdict.ok) {
      if (verdict.fault.kind !== 'invalid') throw new FaultError(verdict.fault)
      return { line, type: 'rejected', verdict }
    }
    const { event, owner } = verdict.value
    if (!this.#recentIds.add(event.id)) return { line, type: 'duplicate' }
    const { producer, partitionCount, rules } = this.#ports
    const receipt = { receivedAtMs: rules.clock.nowMs(), source: 'import', edge: EDGE } as const
    const acknowledged = producer.append({
      topic: TOPICS.events,
      partition: partitionOfOwner(owner, partitionCount),
      key: event.id,
      value: encodeEnvelope({ event, receipt }),
    })
    return { line, type: 'appended', acknowledged }
  }

  async #settle(pending: Promise<Submitted>): Promise<void> {
    const { outcomes, next } = await pending
    for (const outcome of outcomes) {
      if (outcome.type !== 'appended') continue
      const acknowledged = await outcome.acknowledged
      if (!acknowledged.ok) throw new FaultError(acknowledged.fault)
    }
    for (const outcome of outcomes) this.#count(outcome)
    this.#position = next
    this.#ports.onProgress(this.#appended - this.#appendedBefore)
    if (performance.now() - this.#checkpointedMs >= CHECKPOINT_INTERVAL_MS) await this.#writeCheckpoint(false)
  }

  #count(outcome: Outcome): void {
    switch (outcome.type) {
      case 'appended':
        this.#appended++
        break
      case 'duplicate':
        this.#duplicates++
        break
      case 'rejected': {
        const { fault } = outcome.verdict
        this.#rejected[fault.code] = (this.#rejected[fault.code] ?? 0) + 1
        this.#ports.rejects.add(outcome.line, fault)
        break
      }
    }
  }

  /** The rejects first: a checkpoint never counts what is not in their file yet. */
  async #writeCheckpoint(isDone: boolean): Promise<void> {
    const { rejects, checkpoint, logId } = this.#ports
    await rejects.flush()
    const state: Checkpoint = {
      logId,
      position: this.#position,
      rejectsPath: rejects.path,
      rejectsBytes: rejects.bytes,
      counts: this.#counts(),
      isDone,
    }
    await checkpoint?.write(state)
    this.#checkpointedMs = performance.now()
  }

  #counts(): ImportCounts {
    return { appended: this.#appended, duplicates: this.#duplicates, rejected: this.#rejected }
  }

  #report(end: ImportEnd): ImportReport {
    const seconds = (performance.now() - this.#startedMs) / 1000
    const counts = this.#counts()
    return {
      ...counts,
      end,
      lines: this.#position.lines,
      rejectsPath: rejectedTotal(counts) > 0 ? this.#ports.rejects.path : null,
      seconds,
      eventsPerSecond: seconds > 0 ? (this.#appended - this.#appendedBefore) / seconds : 0,
    }
  }
}

/** A pipe may have nothing to say for a long time: an interrupt does not wait for it. */
function nextUnlessAborted<T>(
  iterator: AsyncIterator<T>,
  signal: AbortSignal,
): Promise<IteratorResult<T> | 'aborted'> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve('aborted')
    const onAbort = () => resolve('aborted')
    signal.addEventListener('abort', onAbort, { once: true })
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
