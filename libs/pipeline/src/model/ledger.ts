import type { MemoryLog, Offset } from '@millrace/kafka'
import { err, ok, type Result, transient } from '@millrace/kernel'
import type { Positioned, Sink, Watermark, WatermarkMove, WatermarkStore } from '../sink.ts'

/** One number in [0, 1). */
export type Random = () => number

/** A seeded generator (mulberry32), so that a failing run can be repeated. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * A store that outlives the processes writing to it: rows by key, the highest offset wins, and watermarks that never move
 * back. It is what ClickHouse is to a sink, in its simplest form.
 */
export class Ledger {
  readonly rows = new Map<string, { readonly value: string; readonly offset: Offset }>()
  readonly watermarks = new Map<number, Watermark>()
  /** Offsets applied, by partition; rows alone cannot tell which records made them. */
  readonly applied = new Map<number, Set<Offset>>()
  writes = 0
  readonly batchSizes: number[] = []

  insert({ value, partition, offset }: Positioned<Entry>): void {
    const known = this.rows.get(value.key)
    if (known === undefined || offset >= known.offset) this.rows.set(value.key, { value: value.text, offset })
    const offsets = this.applied.get(partition) ?? new Set()
    this.applied.set(partition, offsets.add(offset))
  }

  advance(logId: string, { partition, nextOffset, appendedAtMs }: WatermarkMove): void {
    const known = this.watermarks.get(partition)
    if (known === undefined || nextOffset > known.nextOffset)
      this.watermarks.set(partition, { logId, nextOffset, appendedAtMs })
  }
}

export interface Entry {
  readonly key: string
  readonly text: string
}

export interface AccessOptions {
  readonly random?: Random
  /** Share of calls that fail for a passing reason, half of them after having taken effect. */
  readonly failureRate?: number
  /** The process dies at this call: what it was doing takes effect in part, nothing after it does. */
  readonly dieAtCall?: number
}

/** One process's access to the ledger, which can fail and can be cut off as by SIGKILL. */
export class LedgerAccess implements Sink<Entry> {
  readonly name = 'ledger'
  readonly writeSpan = 'ledger.write'
  readonly #ledger: Ledger
  readonly #options: AccessOptions
  readonly #died = Promise.withResolvers<void>()
  #calls = 0
  #isDead = false

  constructor(ledger: Ledger, options: AccessOptions = {}) {
    this.#ledger = ledger
    this.#options = options
  }

  /** Settles when the process has died. */
  get died(): Promise<void> {
    return this.#died.promise
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Cuts the process off. */
  kill(): void {
    this.#isDead = true
    this.#died.resolve()
  }

  apply(records: readonly Positioned<Entry>[]): Promise<Result<void>> {
    return this.#call(
      records,
      (record) => this.#ledger.insert(record),
      () => {
        this.#ledger.writes++
        this.#ledger.batchSizes.push(records.length)
      },
    )
  }

  readonly store: WatermarkStore = {
    // A dead process's read is refused, not left hanging: its membership ends at once, as by a session that timed out.
    read: async () => (this.#isDead ? err(away()) : ok(new Map(this.#ledger.watermarks))),
    write: (_topic, logId, moves) =>
      this.#call(
        moves,
        (move) => this.#ledger.advance(logId, move),
        () => {},
      ),
  }

  async #call<R>(items: readonly R[], effect: (item: R) => void, done: () => void): Promise<Result<void>> {
    const { random = () => 1, failureRate = 0, dieAtCall } = this.#options
    if (this.#isDead) return new Promise(() => {})
    this.#calls++
    if (this.#calls === dieAtCall) {
      for (const item of items.slice(0, Math.floor(random() * (items.length + 1)))) effect(item)
      this.kill()
      return new Promise(() => {})
    }
    const fails = random() < failureRate
    if (fails && random() < 0.5) return err(away())
    for (const item of items) effect(item)
    done()
    return fails ? err(away()) : ok(undefined)
  }
}

const away = () => transient('clickhouse-unavailable', 'the ledger is away')

/** Everything in the log below each watermark that is neither in the ledger nor accounted for otherwise. */
export function skipped(
  log: MemoryLog,
  topic: string,
  ledger: Ledger,
  isAccountedFor: (record: {
    readonly partition: number
    readonly offset: Offset
    readonly value: string | null
  }) => boolean,
): string[] {
  return log
    .records(topic)
    .filter(({ partition, offset }) => offset < (ledger.watermarks.get(partition)?.nextOffset ?? 0))
    .filter(({ partition, offset }) => !ledger.applied.get(partition)?.has(offset))
    .filter(
      ({ partition, offset, value }) =>
        !isAccountedFor({ partition, offset, value: value?.toString() ?? null }),
    )
    .map(({ partition, offset }) => `${partition}:${offset}`)
}
