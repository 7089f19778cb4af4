import type { RecordBatch } from '@millrace/kafka'

export interface FillBounds {
  readonly recordsMax: number
  /** Of the records' values. */
  readonly bytesMax: number
}

/**
 * What a view that is being filled has read and not applied. An event costs a fraction in a transaction of tens of thousands,
 * because each list is written once for all of them; records wait as they came, undecoded, so that they are few objects.
 */
export class FillBuffer {
  readonly #bounds: FillBounds
  readonly #left: Map<number, number>
  #batches: RecordBatch[] = []
  #records = 0
  #bytes = 0

  /**
   * @param starts where reading starts, by partition
   * @param ends where filling is over
   */
  constructor(bounds: FillBounds, starts: ReadonlyMap<number, number>, ends: ReadonlyMap<number, number>) {
    this.#bounds = bounds
    this.#left = new Map([...ends].filter(([partition, end]) => end > (starts.get(partition) ?? 0)))
  }

  /** Whether everything up to the ends has come. */
  get hasAll(): boolean {
    return this.#left.size === 0
  }

  /** Whether it is time to apply what is here. */
  get isDue(): boolean {
    return this.hasAll || this.#records >= this.#bounds.recordsMax || this.#bytes >= this.#bounds.bytesMax
  }

  add(batch: RecordBatch): void {
    const { partition, records, nextOffset } = batch
    this.#batches.push(batch)
    this.#records += records.length
    for (const { value } of records) this.#bytes += value?.length ?? 0
    if (nextOffset >= (this.#left.get(partition) ?? 0)) this.#left.delete(partition)
  }

  /** Empties the buffer. */
  take(): readonly RecordBatch[] {
    const batches = this.#batches
    this.#batches = []
    this.#records = 0
    this.#bytes = 0
    return batches
  }
}
