import { decodeDeadLetter, decodeEnvelope } from '@millrace/codec'
import {
  type ErasableStore,
  type ErasureSubject,
  isTraceOf,
  scanFile,
  TRACES_MAX,
  type Trace,
  type Verification,
} from '@millrace/erasure'
import { listSegmentFiles, readSegments, type SegmentRecord } from '@millrace/kafka'
import { err, ok, type Result, transient } from '@millrace/kernel'
import type { NostrEvent, Tombstone } from '@millrace/nostr'

export interface LogStoreParts {
  readonly name: string
  /** The topics it answers for. */
  readonly topics: readonly string[]
  /** The event in the value of a record; null: there is none. */
  readonly eventOf: (value: Buffer) => NostrEvent | null
  /** The brokers' log directories, as far as they are on this machine; empty: their disks are elsewhere. */
  readonly logDirs: readonly string[]
  /** Appends tombstones' nulls: the deletion consumer's business. Absent: this process only verifies. */
  readonly erase?: (tombstones: readonly Tombstone[]) => Promise<Result<void>>
  readonly oldestTraceMs?: () => number | null
}

const MIB = 1024 * 1024

/** Topics as a store: erased by nulls and compaction, verified from the brokers' files, also those on their way out. */
export class LogStore implements ErasableStore {
  readonly name: string
  readonly #parts: LogStoreParts

  constructor(parts: LogStoreParts) {
    this.name = parts.name
    this.#parts = parts
  }

  claims(place: string): boolean {
    return this.#parts.topics.some((topic) => place === `topic:${topic}`)
  }

  async erase(tombstones: readonly Tombstone[]): Promise<Result<void>> {
    const { erase } = this.#parts
    if (erase === undefined)
      return err(transient('internal', 'only the deletion consumer erases from the log'))
    return erase(tombstones)
  }

  async verify(subject: ErasureSubject): Promise<Result<Verification>> {
    const { topics, logDirs } = this.#parts
    if (logDirs.length === 0)
      return ok({
        traces: [],
        examined: 'nothing',
        notVerifiable: 'the disks of the brokers are not on this machine: run it there, with KAFKA_LOG_DIRS',
      })
    const traces: Trace[] = []
    const tally = { files: 0, records: 0, bytes: 0 }
    const problems: string[] = []
    for (const logDir of logDirs) {
      const read = await readSegments({ logDir, topics }, (record) => this.#look(record, subject, traces))
      tally.files += read.files
      tally.records += read.records
      tally.bytes += read.bytes
      problems.push(...read.problems.map(({ file, problem }) => `${file}: ${problem}`))
      if (subject.needles.length > 0) await this.#lookForNeedles(logDir, subject, traces)
    }
    const { files, records, bytes } = tally
    return ok({
      traces,
      examined: `${files} segment files, ${records} records, ${(bytes / MIB).toFixed(1)} MiB`,
      notVerifiable: problems.length === 0 ? null : problems.slice(0, TRACES_MAX).join('; '),
    })
  }

  async oldestTraceMs(): Promise<Result<number | null>> {
    return ok(this.#parts.oldestTraceMs?.() ?? null)
  }

  #look(record: SegmentRecord, subject: ErasureSubject, traces: Trace[]): void {
    if (record.value === null || traces.length >= TRACES_MAX) return
    const event = this.#parts.eventOf(record.value)
    if (event === null || !isTraceOf(subject, event)) return
    const { file, topic, partition, offset } = record
    traces.push({ store: this.name, place: `${file} (${topic}:${partition}:${offset})`, what: 'record' })
  }

  /** Values are not compressed by our producers; a needle in a compressed batch is found by its event alone. */
  async #lookForNeedles(logDir: string, { needles }: ErasureSubject, traces: Trace[]): Promise<void> {
    const onlyNeedles: ErasureSubject = { target: { type: 'event', id: '-' }, needles }
    const { files } = await listSegmentFiles({ logDir, topics: this.#parts.topics })
    for (const { path, file } of files) {
      if (traces.length >= TRACES_MAX) return
      // The broker may have unlinked it meanwhile.
      const found = await scanFile(path, onlyNeedles, TRACES_MAX - traces.length).catch(() => [])
      for (const { offset, what } of found)
        traces.push({ store: this.name, place: `${file} at byte ${offset}`, what })
    }
  }
}

/** For nostr.events and nostr.ephemeral. */
export function eventOfEnvelope(value: Buffer): NostrEvent | null {
  const envelope = decodeEnvelope(value)
  return envelope.ok ? envelope.value.event : null
}

/** For the dead letters. */
export function eventOfLetter(value: Buffer): NostrEvent | null {
  const letter = decodeDeadLetter(value)
  if (!letter.ok || letter.value.recordValue === null) return null
  return eventOfEnvelope(letter.value.recordValue)
}
