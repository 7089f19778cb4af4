import { checkLogId, type Watermark } from '@millrace/clickhouse'
import { backoffMs, delayMs, type Fault, fatal, type Result, transient } from '@millrace/kernel'
import type { Logger } from '@millrace/observability'
import type { Overlay } from '@millrace/read-models'
import type { Room } from './room.ts'

/** Storage's watermarks by partition, as the store has them now. */
export type ReadWatermarks = () => Promise<Result<ReadonlyMap<number, Watermark>>>

export interface StorageWatermarksParts {
  readonly read: ReadWatermarks
  readonly logId: string
  readonly overlay: Overlay
  readonly room: Room
  readonly log: Logger
  readonly pollMs: number
  /** The edge cannot go on: its overlay no longer fits the store. */
  readonly onFault: (fault: Fault) => void
  /** Called with the next offsets by partition, after every look. */
  readonly onWatermarks: (nextOffsets: ReadonlyMap<number, number>) => void
}

const AWAY_MS_MAX = 5_000
const IDLE_FACTOR = 4

/** Follows storage's progress and lets go of overlay entries that the store covers. */
export class StorageWatermarks {
  readonly #parts: StorageWatermarksParts
  #last: ReadonlyMap<number, Watermark> = new Map()
  #away: string | null = null

  constructor(parts: StorageWatermarksParts) {
    this.#parts = parts
  }

  /** Null while the store answers, else why it does not: for readiness. */
  get away(): string | null {
    return this.#away
  }

  /** Waits for the store's first answer. Fatal faults: log-foreign. */
  async first(signal: AbortSignal): Promise<Result<ReadonlyMap<number, Watermark>>> {
    const waits = backoffMs({ initialMs: 50, maxMs: 1_000 })
    while (true) {
      const read = await this.#read()
      if (read.ok || read.fault.kind === 'fatal' || signal.aborted) return read
      await delayMs(waits.next().value, signal)
    }
  }

  /** Polls until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { pollMs, onFault } = this.#parts
    let waits = backoffMs({ initialMs: pollMs, maxMs: AWAY_MS_MAX })
    while (!signal.aborted) {
      const read = await this.#read()
      if (signal.aborted) return
      if (!read.ok && read.fault.kind === 'fatal') return onFault(read.fault)
      if (read.ok) waits = backoffMs({ initialMs: pollMs, maxMs: AWAY_MS_MAX })
      await delayMs(read.ok ? this.#pauseMs() : waits.next().value, signal)
    }
  }

  /** With nothing to let go of, a look only tells whether the store is there. */
  #pauseMs(): number {
    const { overlay, pollMs } = this.#parts
    return overlay.isEmpty ? pollMs * IDLE_FACTOR : pollMs
  }

  async #read(): Promise<Result<ReadonlyMap<number, Watermark>>> {
    const { read, logId, log } = this.#parts
    const watermarks = await read()
    if (!watermarks.ok) {
      if (this.#away === null) log.warn({ code: watermarks.fault.code }, 'waiting for ClickHouse')
      this.#away ??= `waiting for ClickHouse: ${watermarks.fault.code}`
      return watermarks
    }
    if (this.#away !== null) log.info('ClickHouse answers')
    this.#away = null
    const own = checkLogId('storage', watermarks.value, logId)
    if (!own.ok) return own
    this.#take(watermarks.value)
    return watermarks
  }

  #take(watermarks: ReadonlyMap<number, Watermark>): void {
    const { overlay, room, onFault, onWatermarks } = this.#parts
    for (const [partition, before] of this.#last) {
      if ((watermarks.get(partition)?.nextOffset ?? 0) >= before.nextOffset) continue
      onFault(STORE_WENT_BACK)
      return
    }
    this.#last = watermarks
    for (const [partition, { nextOffset }] of watermarks) overlay.release(partition, nextOffset)
    room.announce()
    onWatermarks(new Map([...watermarks].map(([partition, { nextOffset }]) => [partition, nextOffset])))
  }
}

// What the overlay has let go of may be missing from a store that is filled anew: a new start reads it from the log.
const STORE_WENT_BACK = transient('clickhouse-unavailable', 'the store lost events it had: starting anew')

/** Whether the log ends before what the store says it has read of it. */
export function checkWithinLog(
  watermarks: ReadonlyMap<number, Watermark>,
  ends: ReadonlyMap<number, number>,
): Fault | null {
  for (const [partition, { nextOffset }] of watermarks) {
    const end = ends.get(partition) ?? 0
    if (nextOffset > end)
      return fatal(
        'watermark-past-end',
        `partition ${partition}: the store holds events up to offset ${nextOffset}, but the log ends at ${end}; ` +
          "restore Kafka's data, or delete ClickHouse's so that it is rebuilt",
      )
  }
  return null
}
