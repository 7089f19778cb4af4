import { checkLogId, type Watermark } from '@millrace/clickhouse'
import { backoffMs, delayMs, err, type Fault, fatal, ok, type Result, transient } from '@millrace/kernel'
import type { Logger } from '@millrace/observability'
import type { Overlay } from '@millrace/read-models'
import type { Room } from './room.ts'

/** Storage's watermarks by partition, as the store has them now. */
export type ReadWatermarks = () => Promise<Result<ReadonlyMap<number, Watermark>>>

export interface StorageWatermarksParts {
  readonly read: ReadWatermarks
  readonly logId: string
  /** The ends of nostr.events by partition, as of now. */
  readonly ends: () => Promise<ReadonlyMap<number, number>>
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
  #last: ReadonlyMap<number, number> = new Map()
  #isWithinLog = false
  #away: string | null = null

  constructor(parts: StorageWatermarksParts) {
    this.#parts = parts
  }

  /** Null while the store answers, else why it does not: for readiness. */
  get away(): string | null {
    return this.#away
  }

  /** Where storage was when it was last heard of, for an edge that starts before the store answers: it must not be behind. */
  expect(nextOffsets: ReadonlyMap<number, number>): void {
    this.#last = nextOffsets
  }

  /** Whether the store is known to hold everything before these offsets. */
  covers(nextOffsets: ReadonlyMap<number, number>): boolean {
    return [...nextOffsets].every(([partition, nextOffset]) => (this.#last.get(partition) ?? 0) >= nextOffset)
  }

  /** Waits for the store's first answer. Fatal faults: log-foreign, watermark-past-end. */
  async first(signal: AbortSignal): Promise<Result<ReadonlyMap<number, number>>> {
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

  async #read(): Promise<Result<ReadonlyMap<number, number>>> {
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
    const nextOffsets = nextOffsetsOf(watermarks.value)
    const within = await this.#checkWithinLog(nextOffsets)
    if (!within.ok) return within
    this.#take(nextOffsets)
    return ok(nextOffsets)
  }

  /** Once: later the log only grows. */
  async #checkWithinLog(nextOffsets: ReadonlyMap<number, number>): Promise<Result<void>> {
    if (this.#isWithinLog) return ok(undefined)
    try {
      const outside = checkWithinLog(nextOffsets, await this.#parts.ends())
      if (outside !== null) return err(outside)
      this.#isWithinLog = true
      return ok(undefined)
    } catch (cause) {
      return err(transient('kafka-unavailable', 'Kafka does not answer', cause))
    }
  }

  #take(nextOffsets: ReadonlyMap<number, number>): void {
    const { overlay, room, onFault, onWatermarks } = this.#parts
    if (![...this.#last].every(([partition, before]) => (nextOffsets.get(partition) ?? 0) >= before)) {
      onFault(STORE_WENT_BACK)
      return
    }
    this.#last = nextOffsets
    for (const [partition, nextOffset] of nextOffsets) overlay.release(partition, nextOffset)
    room.announce()
    onWatermarks(nextOffsets)
  }
}

export const nextOffsetsOf = (watermarks: ReadonlyMap<number, Watermark>): ReadonlyMap<number, number> =>
  new Map([...watermarks].map(([partition, { nextOffset }]) => [partition, nextOffset]))

// What the overlay has let go of may be missing from a store that is filled anew: a new start reads it from the log.
const STORE_WENT_BACK = transient('clickhouse-unavailable', 'the store lost events it had: starting anew')

/** Whether the log ends before what the store says it has read of it. */
function checkWithinLog(
  watermarks: ReadonlyMap<number, number>,
  ends: ReadonlyMap<number, number>,
): Fault | null {
  for (const [partition, nextOffset] of watermarks) {
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
