import type { LogProducer } from '@millrace/kafka'
import { type Clock, err, type Fault, ok, type Result } from '@millrace/kernel'
import { contextOf, endSpan, inContext, type Span, startSpan } from '@millrace/observability'
import type { Breaker } from './breaker.ts'
import type { Accepted, Portion } from './lane.ts'
import { appendAll, deadLetterOf, type Outputs, type Refusal } from './output.ts'
import { type RetryOptions, untilSettled } from './retry.ts'
import type { Sink, WatermarkMove, WatermarkStore } from './sink.ts'

/** Spans of one write at most: a trace of every record of a large batch would cost more than the batch. */
const WRITE_SPANS_MAX = 256

export interface WriterOptions<T, O extends string> {
  readonly group: string
  readonly topic: string
  readonly sink: Sink<T>
  readonly store: WatermarkStore
  readonly producer: LogProducer
  readonly outputs: Outputs<O>
  readonly breaker: Breaker
  readonly clock: Clock
  readonly retry: RetryOptions
  readonly onDead: (fault: Fault) => void
  readonly onWritten: (rows: number, seconds: number) => void
}

/**
 * Writes portions in the only safe order: what leaves the partition (dead letters, redirects) is acknowledged, then the
 * sink's effect is durable, then the watermark moves. A crash anywhere in between repeats the work, and nothing is lost.
 */
export class Writer<T, O extends string> {
  readonly #options: WriterOptions<T, O>
  /** Portions that were not written because their partition was taken away first. */
  readonly #abandoned = new WeakSet<Portion<T>>()

  constructor(options: WriterOptions<T, O>) {
    this.#options = options
  }

  /** Answers the watermarks written. Faults: dead-letters-too-many (fatal), fatal ones of the sink, shutting-down. */
  async write(portions: readonly Portion<T>[], logId: string): Promise<Result<readonly WatermarkMove[]>> {
    const left = await this.#sendAway(portions, logId)
    if (!left.ok) return left
    const refused = await this.#apply(
      portions.flatMap((portion) => portion.accepted.map((one) => ({ ...one, portion }))),
    )
    if (!refused.ok) return refused
    const buried = await this.#bury(refused.value, logId)
    if (!buried.ok) return buried
    return this.#moveWatermarks(portions, logId)
  }

  async #sendAway(portions: readonly Portion<T>[], logId: string): Promise<Result<void>> {
    const live = this.#live(portions)
    const redirects = live.flatMap((portion) => portion.redirects)
    for (const name of new Set(redirects.map(({ output }) => output))) {
      const records = redirects.filter(({ output }) => output === name).map(({ record }) => record)
      const sent = await this.#append(name as O, records)
      if (!sent.ok) return sent
    }
    return this.#bury(
      live.flatMap((portion) => portion.refusals),
      logId,
    )
  }

  async #bury(refusals: readonly Refusal[], logId: string): Promise<Result<void>> {
    if (refusals.length === 0) return ok(undefined)
    const { group, clock, onDead } = this.#options
    const origin = { logId, group, nowMs: clock.nowMs() }
    const sent = await this.#append(
      'deadLetters',
      refusals.map((refusal) => deadLetterOf(refusal, origin)),
    )
    if (sent.ok) for (const { fault } of refusals) onDead(fault)
    return sent
  }

  /** The portions that are still ours; one that is found not to be is left to its next owner for good. */
  #live(portions: readonly Portion<T>[]): readonly Portion<T>[] {
    for (const portion of portions) if (portion.lane.revoked.aborted) this.#abandoned.add(portion)
    return portions.filter((portion) => !this.#abandoned.has(portion))
  }

  #append(output: O | 'deadLetters', records: Parameters<typeof appendAll>[2]): Promise<Result<void>> {
    const { producer, outputs, retry } = this.#options
    return untilSettled(() => appendAll(producer, outputs[output], records), retry)
  }

  /** Applies rows, halving a batch that holds poison until the poison stands alone; answers what was refused. */
  async #apply(rows: readonly Placed<T>[]): Promise<Result<readonly Refusal[]>> {
    const { sink, breaker } = this.#options
    const applied = await this.#applyOnce(rows)
    if (applied.ok) {
      for (const { positioned } of rows) breaker.good(positioned.partition)
      return ok([])
    }
    const [first] = rows
    if (applied.fault.kind !== 'invalid' || first === undefined) return applied
    if (rows.length === 1) {
      const broken = breaker.dead(first.positioned.partition, applied.fault)
      return broken ? err(broken) : ok([{ record: first.record, step: sink.name, fault: applied.fault }])
    }
    const middle = rows.length >> 1
    const left = await this.#apply(rows.slice(0, middle))
    if (!left.ok) return left
    const right = await this.#apply(rows.slice(middle))
    return right.ok ? ok([...left.value, ...right.value]) : right
  }

  async #applyOnce(rows: readonly Placed<T>[]): Promise<Result<void>> {
    const { sink, retry, onWritten } = this.#options
    return untilSettled(async () => {
      // A partition may be taken away while the store is: its rows are the next owner's then.
      const live = rows.filter(({ portion }) => this.#live([portion]).length > 0)
      if (live.length === 0) return ok(undefined)
      const startedMs = performance.now()
      const spans = writeSpans(sink.writeSpan, live)
      const result = await within(spans[0], () => sink.apply(live.map(({ positioned }) => positioned)))
      for (const span of spans) endSpan(span, result.ok ? undefined : result.fault.code)
      if (result.ok) onWritten(live.length, (performance.now() - startedMs) / 1000)
      return result
    }, retry)
  }

  async #moveWatermarks(
    portions: readonly Portion<T>[],
    logId: string,
  ): Promise<Result<readonly WatermarkMove[]>> {
    const { store, topic, retry } = this.#options
    return untilSettled(async () => {
      // What is durable may be told even after a revocation: a watermark never moves back.
      const moves = watermarkMoves(portions.filter((portion) => !this.#abandoned.has(portion)))
      if (moves.length === 0) return ok(moves)
      const written = await store.write(topic, logId, moves)
      return written.ok ? ok(moves) : written
    }, retry)
  }
}

type Placed<T> = Accepted<T> & { readonly portion: Portion<T> }

/** Portions of a lane come in log order, so the last one of each lane holds its watermark. */
const watermarkMoves = <T>(portions: readonly Portion<T>[]): readonly WatermarkMove[] =>
  [...new Map(portions.map((portion) => [portion.lane.partition, portion]))].map(
    ([partition, { batch, appendedAtMs }]) => ({ partition, nextOffset: batch.nextOffset, appendedAtMs }),
  )

const writeSpans = <T>(name: string, rows: readonly Accepted<T>[]): Span[] =>
  rows
    .flatMap(({ span }) => (span === null ? [] : [span]))
    .slice(0, WRITE_SPANS_MAX)
    .map((span) => startSpan(name, { rows: rows.length }, contextOf(span)))

/** The store's own spans continue the first trace of the batch. */
const within = <R>(span: Span | undefined, work: () => R): R =>
  span === undefined ? work() : inContext(contextOf(span), work)
