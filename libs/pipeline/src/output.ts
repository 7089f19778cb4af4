import { type DeadLetter, deadLetterKey, encodeDeadLetter } from '@millrace/codec'
import type { LogProducer, LogRecord, OutgoingRecord } from '@millrace/kafka'
import { err, type Fault, LIMITS, ok, type Result } from '@millrace/kernel'
import type { OutputRecord } from './outcome.ts'

/** Where an output goes. */
export interface Output {
  readonly topic: string
  readonly partitionOf: (record: OutputRecord) => number
}

/** Every output that the steps name, and the dead letters: a topology with one left unwired does not compile. */
export type Outputs<O extends string> = Readonly<Record<O | 'deadLetters', Output>>

/** An output with a single partition. */
export const onePartition = (topic: string): Output => ({ topic, partitionOf: () => 0 })

export interface Refusal {
  readonly record: LogRecord
  readonly step: string
  readonly fault: Fault
}

/** Room for everything in a dead letter but the refused value, bytes. */
const LETTER_OVERHEAD_BYTES = 64 * 1024

/** The dead letter of a refused record. A value beyond what the topic takes stays behind: its origin tells where. */
export function deadLetterOf(
  { record, step, fault }: Refusal,
  origin: { readonly logId: string; readonly group: string; readonly nowMs: number },
): OutputRecord {
  const valueBytes = record.value?.length ?? 0
  const fits = valueBytes <= LIMITS.deadLetterMessageBytesMax - LETTER_OVERHEAD_BYTES
  const letter: DeadLetter = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    logId: origin.logId,
    recordKey: record.key,
    recordValue: fits ? record.value : null,
    headers: record.headers,
    group: origin.group,
    step,
    code: fault.code,
    message: fits ? fault.message : `${fault.message} (value of ${valueBytes} bytes left in the log)`,
    refusedAtMs: origin.nowMs,
  }
  return { key: deadLetterKey(letter), value: encodeDeadLetter(letter) }
}

/** Appends records to an output; ok once Kafka acknowledged all of them with acks=all. */
export async function appendAll(
  producer: LogProducer,
  output: Output,
  records: readonly OutputRecord[],
): Promise<Result<void>> {
  const results = await Promise.all(records.map((record) => producer.append(outgoing(output, record))))
  const failed = results.find((result) => !result.ok)
  return failed && !failed.ok ? err(failed.fault) : ok(undefined)
}

const outgoing = (output: Output, record: OutputRecord): OutgoingRecord => ({
  topic: output.topic,
  partition: output.partitionOf(record),
  key: record.key,
  value: record.value,
  ...(record.headers && { headers: record.headers }),
})
