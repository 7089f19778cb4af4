import type { LogRecord, Offset } from '../port.ts'

/** A run of offsets written together; compaction may leave it without records, as it leaves Kafka's record batches. */
interface Run {
  readonly last: Offset
  readonly records: readonly LogRecord[]
}

export interface Slice {
  readonly records: readonly LogRecord[]
  readonly nextOffset: Offset
}

/** One partition's records in offset order. */
export class MemoryPartition {
  #runs: Run[] = []
  #end: Offset = 0
  #earliest: Offset = 0

  get end(): Offset {
    return this.#end
  }

  get earliest(): Offset {
    return this.#earliest
  }

  append(records: readonly LogRecord[]): void {
    if (records.length === 0) return
    this.#end += records.length
    this.#runs.push({ last: this.#end - 1, records })
  }

  /** Up to `recordsMax` records at or after `position`; empty records when the run at `position` was emptied; null at the end. */
  read(position: Offset, recordsMax: number): Slice | null {
    const first = this.#runs[this.#indexOf(position)]
    if (!first) return null
    const records = first.records.filter((record) => record.offset >= position)
    if (records.length <= recordsMax) return { records, nextOffset: first.last + 1 }
    const head = records.slice(0, recordsMax)
    return { records: head, nextOffset: (head.at(-1)?.offset ?? first.last) + 1 }
  }

  /** Index of the first run that reaches `position`. */
  #indexOf(position: Offset): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#runs[middle] as Run).last < position) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Keeps the highest offset of each key; `erasedToo` also drops null values, as after delete.retention.ms. */
  compact(erasedToo: boolean): void {
    const latest = new Map<string, Offset>()
    for (const run of this.#runs) {
      for (const { key, offset } of run.records) if (key) latest.set(key.toString('latin1'), offset)
    }
    this.#runs = this.#runs.map(({ last, records }) => ({
      last,
      records: records.filter(
        ({ key, value, offset }) =>
          key === null || (latest.get(key.toString('latin1')) === offset && !(erasedToo && value === null)),
      ),
    }))
  }

  /** Deletes everything below `offset`, as retention does. */
  deleteBefore(offset: Offset): void {
    this.#earliest = Math.min(Math.max(this.#earliest, offset), this.#end)
    this.#runs = this.#runs
      .filter((run) => run.last >= this.#earliest)
      .map((run) => ({ last: run.last, records: run.records.filter((r) => r.offset >= this.#earliest) }))
  }

  *records(): Generator<LogRecord> {
    for (const run of this.#runs) yield* run.records
  }
}
