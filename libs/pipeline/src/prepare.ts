import type { LogRecord, RecordBatch } from '@millrace/kafka'
import { assertNever, err, type Fault, ok, type Result } from '@millrace/kernel'
import { contextFromHeaders, type Span, startSpan } from '@millrace/observability'
import type { Breaker } from './breaker.ts'
import type { Accepted, Lane, Portion } from './lane.ts'
import type { Outcome, OutputRecord } from './outcome.ts'
import type { Refusal } from './output.ts'
import { type RetryOptions, untilSettled } from './retry.ts'
import type { Topology } from './topology.ts'

export interface PrepareOptions {
  readonly breaker: Breaker
  readonly retry: RetryOptions
  readonly onDrop: (reason: string) => void
}

/** Runs a batch through the steps. Faults: dead-letters-too-many (fatal), whatever fatal a step threw, shutting-down. */
export async function prepare<T, O extends string>(
  topology: Topology<T, O>,
  lane: Lane,
  batch: RecordBatch,
  options: PrepareOptions,
): Promise<Result<Portion<T>>> {
  const accepted: Accepted<T>[] = []
  const refusals: Refusal[] = []
  const redirects: { output: O; record: OutputRecord }[] = []
  const appendedAtMs = lane.take(batch)
  let bytes = 0
  for (const record of batch.records) {
    const running = runSteps(topology, record, options.retry)
    const run = running instanceof Promise ? await running : running
    if (!run.ok) return run
    const outcome = run.value
    bytes += record.value?.length ?? 0
    switch (outcome.type) {
      case 'ok':
        options.breaker.good(lane.partition)
        accepted.push(accept(topology.group, record, outcome.value))
        break
      case 'drop':
        options.onDrop(outcome.reason)
        break
      case 'dead': {
        refusals.push({ record, step: outcome.step ?? topology.group, fault: outcome.fault })
        const broken: Fault | null = options.breaker.dead(lane.partition, outcome.fault)
        if (broken) return err(broken)
        break
      }
      case 'redirect':
        options.breaker.good(lane.partition)
        redirects.push({ output: outcome.output, record: outcome.record })
        break
      default:
        return assertNever(outcome)
    }
  }
  return ok({ lane, batch, accepted, refusals, redirects, bytes, appendedAtMs })
}

/** Steps that are plain functions are run without a promise each: they are most of a sink's work. */
function runSteps<T, O extends string>(
  topology: Topology<T, O>,
  record: LogRecord,
  retry: RetryOptions,
): Result<Outcome<T, O>> | Promise<Result<Outcome<T, O>>> {
  let first: Outcome<T, O> | Promise<Outcome<T, O>> | null
  try {
    first = topology.run(record)
  } catch (thrown) {
    first = Promise.reject(thrown)
  }
  if (!(first instanceof Promise)) return ok(first)
  return untilSettled(async () => {
    const attempt = first ?? topology.run(record)
    first = null
    return ok(await attempt)
  }, retry)
}

const accept = <T>(group: string, record: LogRecord, value: T): Accepted<T> => ({
  record,
  positioned: {
    value,
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    appendedAtMs: record.timestampMs,
  },
  span: spanOf(group, record),
})

const spanOf = (group: string, record: LogRecord): Span | null =>
  record.headers['traceparent'] === undefined
    ? null
    : startSpan(
        `${group}.apply`,
        { topic: record.topic, partition: record.partition, offset: record.offset },
        contextFromHeaders(record.headers),
      )
