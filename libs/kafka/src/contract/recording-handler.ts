import { partitionKey } from '../consuming/backend.ts'
import type { ConsumerHandler, RecordBatch, StartPosition, TopicPartition } from '../port.ts'

export interface RecordingOptions {
  /** Where to start a partition (default: after what this handler has seen, else 'earliest'). */
  readonly start?: (at: TopicPartition) => StartPosition['offset']
  readonly onBatch?: (batch: RecordBatch, signal: AbortSignal) => Promise<void>
  readonly onAssign?: () => Promise<void>
}

/** Writes down what a consumer does to its owner, and checks the promises that hold for every call. */
export class RecordingHandler implements ConsumerHandler {
  readonly values: string[] = []
  readonly batches: RecordBatch[] = []
  readonly assigned = new Set<string>()
  readonly violations: string[] = []
  readonly nextOffsets = new Map<string, number>()
  assignments = 0
  revocations = 0
  readonly #running = new Set<string>()
  readonly #options: RecordingOptions

  constructor(options: RecordingOptions = {}) {
    this.#options = options
  }

  async onAssign(partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> {
    await this.#options.onAssign?.()
    this.assignments++
    return partitions.map((at) => {
      const key = partitionKey(at)
      if (this.assigned.has(key)) this.violations.push(`${key} assigned twice`)
      this.assigned.add(key)
      const offset = this.#options.start?.(at) ?? this.nextOffsets.get(key) ?? 'earliest'
      if (typeof offset === 'number') this.nextOffsets.set(key, offset)
      return { ...at, offset }
    })
  }

  async onRevoke(partitions: readonly TopicPartition[]): Promise<void> {
    this.revocations++
    for (const at of partitions) {
      const key = partitionKey(at)
      if (this.#running.has(key)) this.violations.push(`${key} revoked under a running batch`)
      this.assigned.delete(key)
    }
  }

  async onBatch(batch: RecordBatch, signal: AbortSignal): Promise<void> {
    const key = partitionKey(batch)
    this.#check(key, batch)
    this.#running.add(key)
    try {
      await this.#options.onBatch?.(batch, signal)
      this.batches.push(batch)
      for (const { value } of batch.records) this.values.push(value?.toString() ?? '∅')
      this.nextOffsets.set(key, batch.nextOffset)
    } finally {
      this.#running.delete(key)
    }
  }

  #check(key: string, batch: RecordBatch): void {
    const expected = this.nextOffsets.get(key) ?? 0
    const offsets = batch.records.map(({ offset }) => offset)
    if (!this.assigned.has(key)) this.violations.push(`${key} delivered while not assigned`)
    if (this.#running.has(key)) this.violations.push(`${key} delivered twice at a time`)
    if (offsets.some((offset, index) => offset < (offsets[index - 1] ?? expected)))
      this.violations.push(`${key}: offsets ${offsets.slice(0, 5)} go back behind ${expected}`)
    if (batch.nextOffset <= (offsets.at(-1) ?? expected - 1))
      this.violations.push(`${key}: nextOffset is not past the batch`)
    if (batch.nextOffset > batch.endOffset) this.violations.push(`${key}: nextOffset is past the end`)
  }
}
