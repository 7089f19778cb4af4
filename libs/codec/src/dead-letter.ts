import { err, type Fault, ok, type Result } from '@millrace/kernel'
import { wireFormatOf } from './wire-format.ts'

/** A refused record, why it was refused and where it lay. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly logId: string
  readonly recordKey: Buffer | null
  readonly recordValue: Buffer | null
  /** The record's headers; one named `__proto__`, which no plain object can carry, is not kept. */
  readonly headers: Readonly<Record<string, string>>
  readonly group: string
  readonly step: string
  readonly code: string
  readonly message: string
  readonly refusedAtMs: number
}

interface DeadLetterBody {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly log_id: string
  readonly record_key: Buffer | null
  readonly record_value: Buffer | null
  readonly headers: Record<string, string>
  readonly group: string
  readonly step: string
  readonly code: string
  readonly message: string
  readonly refused_at_ms: number
}

const EVENT_ID = /^[0-9a-f]{64}$/

/** The record key: the event id where the refused record had one, so that a null erases it; else its origin. */
export function deadLetterKey(
  letter: Pick<DeadLetter, 'recordKey' | 'topic' | 'partition' | 'offset'>,
): string {
  const key = letter.recordKey?.toString('latin1') ?? ''
  return EVENT_ID.test(key) ? key : `${letter.topic}:${letter.partition}:${letter.offset}`
}

export const encodeDeadLetter = (letter: DeadLetter): Buffer =>
  wireFormatOf('dead-letter').encode({
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    log_id: letter.logId,
    record_key: letter.recordKey,
    record_value: letter.recordValue,
    headers: letter.headers,
    group: letter.group,
    step: letter.step,
    code: letter.code,
    message: letter.message,
    refused_at_ms: letter.refusedAtMs,
  })

/** Faults: record-undecodable, schema-unknown. */
export function decodeDeadLetter(value: Buffer): Result<DeadLetter, Fault> {
  const decoded = wireFormatOf('dead-letter').decode(value)
  if (!decoded.ok) return err(decoded.fault)
  const body = decoded.value as unknown as DeadLetterBody
  return ok({
    topic: body.topic,
    partition: body.partition,
    offset: body.offset,
    logId: body.log_id,
    recordKey: body.record_key,
    recordValue: body.record_value,
    headers: body.headers,
    group: body.group,
    step: body.step,
    code: body.code,
    message: body.message,
    refusedAtMs: body.refused_at_ms,
  })
}
