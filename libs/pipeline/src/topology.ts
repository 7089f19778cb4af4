import type { LogRecord } from '@millrace/kafka'
import { assert, FaultError, invalid } from '@millrace/kernel'
import { isTickKey } from '@millrace/topics'
import { drop, type Outcome, ok } from './outcome.ts'
import type { Sink } from './sink.ts'

type MaybePromise<T> = T | Promise<T>

/**
 * A named function from one record to an outcome. A FaultError with a transient fault thrown from it means I/O that is
 * away: the record is tried again. Anything else thrown is a defect met by this record: it becomes a dead letter.
 */
export type Step<In, Out, O extends string = never> = (
  input: In,
  record: LogRecord,
) => MaybePromise<Outcome<Out, O>>

/** A consumer group's whole flow: where records come from, what each goes through, where they end. */
export interface Topology<T, O extends string = never> {
  readonly group: string
  readonly topic: string
  readonly sink: Sink<T>
  /** Outcome of one record after all steps. */
  readonly run: (record: LogRecord) => MaybePromise<Outcome<T, O>>
  /** The names of the steps, in order. */
  readonly stepNames: readonly string[]
}

/** Begins a topology: `topology('storage').from(TOPICS.events).step(decode).step(check).into(sink)`. */
export const topology = (group: string) => ({
  from: (topic: string): Flow<LogRecord> => new Flow(group, topic, (record) => housekeeping(record), []),
})

class Flow<T, O extends string = never> {
  readonly #group: string
  readonly #topic: string
  readonly #run: (record: LogRecord) => MaybePromise<Outcome<T, O>>
  readonly #stepNames: readonly string[]

  constructor(
    group: string,
    topic: string,
    run: (record: LogRecord) => MaybePromise<Outcome<T, O>>,
    stepNames: readonly string[],
  ) {
    this.#group = group
    this.#topic = topic
    this.#run = run
    this.#stepNames = stepNames
  }

  step<U, P extends string = never>(step: Step<T, U, P>): Flow<U, O | P> {
    assert(step.name !== '', 'a step is a named function: its name appears in dead letters')
    const before = this.#run
    const run = (record: LogRecord): MaybePromise<Outcome<U, O | P>> => {
      const outcome = before(record)
      return outcome instanceof Promise
        ? outcome.then((settled) => advance(settled, step, record))
        : advance(outcome, step, record)
    }
    return new Flow<U, O | P>(this.#group, this.#topic, run, [...this.#stepNames, step.name])
  }

  into(sink: Sink<T>): Topology<T, O> {
    return {
      group: this.#group,
      topic: this.#topic,
      sink,
      run: this.#run,
      stepNames: this.#stepNames,
    }
  }
}

/** Null values and ticks are Kafka's housekeeping; no step of any topology sees them (DESIGN 2.6, section 4). */
const housekeeping = (record: LogRecord): Outcome<LogRecord> => {
  if (isTickKey(record.key)) return drop('tick')
  return record.value === null ? drop('erased') : ok(record)
}

function advance<T, U, O extends string, P extends string>(
  outcome: Outcome<T, O>,
  step: Step<T, U, P>,
  record: LogRecord,
): MaybePromise<Outcome<U, O | P>> {
  if (outcome.type !== 'ok') return outcome
  try {
    const next = step(outcome.value, record)
    return next instanceof Promise
      ? next.then(
          (settled) => named(settled, step.name),
          (thrown: unknown) => defect(thrown, step.name),
        )
      : named(next, step.name)
  } catch (thrown) {
    return defect(thrown, step.name)
  }
}

const named = <U, P extends string>(outcome: Outcome<U, P>, step: string): Outcome<U, P> =>
  outcome.type === 'dead' ? { ...outcome, step } : outcome

function defect(thrown: unknown, step: string): Outcome<never> {
  if (thrown instanceof FaultError) {
    if (thrown.fault.kind !== 'invalid') throw thrown
    return { type: 'dead', fault: thrown.fault, step }
  }
  // The thrown message may quote the record, and event content is never logged: it travels as the cause only.
  return { type: 'dead', fault: invalid('internal', `the step ${step} failed on this record`, thrown), step }
}
