import { err, type Fault, type Result } from '@millrace/kernel'
import type { OutgoingRecord, Placement } from '../port.ts'

/** A record between `append` and its answer; answered exactly once. */
export class PendingRecord {
  readonly record: OutgoingRecord
  readonly bytes: number
  readonly deadlineMs: number
  /** A request with this record has left: from here on nobody knows whether the log has it until it answers. */
  sent = false
  readonly #onSettle: (pending: PendingRecord, result: Result<Placement>) => void
  #settled = false

  constructor(
    record: OutgoingRecord,
    bytes: number,
    deadlineMs: number,
    onSettle: (pending: PendingRecord, result: Result<Placement>) => void,
  ) {
    this.record = record
    this.bytes = bytes
    this.deadlineMs = deadlineMs
    this.#onSettle = onSettle
  }

  get settled(): boolean {
    return this.#settled
  }

  /** The first answer counts; a later one (an acknowledgement after the deadline) is ignored. */
  settle(result: Result<Placement>): void {
    if (this.#settled) return
    this.#settled = true
    this.#onSettle(this, result)
  }

  refuse(fault: Fault): void {
    this.settle(err(fault))
  }
}

/** Record header and framing of Kafka's format v2, rounded up, bytes. */
const RECORD_FRAMING_BYTES = 32
const HEADER_FRAMING_BYTES = 8

/** Upper bound of the bytes a record takes in a record batch (varints counted at their usual size). */
export function recordBytes(record: OutgoingRecord): number {
  let bytes = RECORD_FRAMING_BYTES + Buffer.byteLength(record.key) + (record.value?.length ?? 0)
  const headers = record.headers
  if (!headers) return bytes
  for (const name in headers)
    bytes += HEADER_FRAMING_BYTES + Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '')
  return bytes
}
