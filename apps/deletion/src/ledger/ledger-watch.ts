import type { Log, LogAdmin } from '@millrace/kafka'
import { type Clock, delayMs } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import {
  absentAtMs,
  type DeletionState,
  isOpen,
  type LedgerEntry,
  type Stage,
} from '@millrace/projection-deletion'
import type { CleanedLog } from './cleaned-log.ts'
import { GroupProgress } from './group-progress.ts'

export interface LedgerWatchParts {
  readonly state: Pick<DeletionState, 'openEntries' | 'noteStages' | 'openErasures'>
  readonly log: Pick<Log, 'admin'>
  readonly cleaned: CleanedLog
  readonly clock: Clock
  readonly intervalMs: number
  /** Between two looks at the log itself. */
  readonly logIntervalMs: number
  readonly metrics: Pick<Metrics, 'set' | 'observe'>
  readonly onError: (cause: unknown) => void
}

/** Of one look: the others are looked at once these are through. */
const ENTRIES_PER_LOOK_MAX = 20_000

/** Looks at an interval how far every open erasure is, and writes the times into the ledger. */
export class LedgerWatch {
  readonly #parts: LedgerWatchParts
  #admin: LogAdmin | null = null
  #lookedAtLogMs = 0
  #progress: GroupProgress | null = null

  constructor(parts: LedgerWatchParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look()
      } catch (cause) {
        // Kafka is away: the times are written when it is back.
        this.#parts.onError(cause)
      }
      await delayMs(this.#parts.intervalMs, signal)
    }
    await this.#admin?.close()
  }

  /** The followers that an entry waits for, as of the last look. */
  waitingFor(entry: LedgerEntry): readonly string[] {
    return isOpen(entry) ? (this.#progress?.waitingFor(entry) ?? []) : []
  }

  async look(): Promise<void> {
    const { state, log, clock, metrics } = this.#parts
    const entries = state.openEntries(ENTRIES_PER_LOOK_MAX)
    const nowMs = clock.nowMs()
    metrics.set('deletion_erasures_open', {}, state.openErasures)
    metrics.set('deletion_oldest_open_erasure_seconds', {}, oldestAgeS(entries, nowMs))
    if (entries.length === 0) return
    this.#admin ??= await log.admin()
    const progress = await GroupProgress.read(this.#admin)
    this.#progress = progress
    await this.#lookAtLog(entries, nowMs)
    const reached = new Map<string, ReadonlySet<Stage>>()
    for (const entry of entries) {
      const stages = new Set(progress.reached(entry))
      if (this.#parts.cleaned.isClean(entry, nowMs)) stages.add('log')
      if ([...stages].some((stage) => entry.stages[stage] === null)) reached.set(entry.requestId, stages)
    }
    if (reached.size === 0) return
    for (const entry of state.noteStages(reached, nowMs)) {
      const absentMs = absentAtMs(entry)
      if (absentMs !== null)
        metrics.observe('deletion_time_to_absent_seconds', {}, (absentMs - entry.receivedAtMs) / 1000)
    }
  }

  async #lookAtLog(entries: readonly LedgerEntry[], nowMs: number): Promise<void> {
    const { cleaned, logIntervalMs } = this.#parts
    if (nowMs - this.#lookedAtLogMs < logIntervalMs) return
    this.#lookedAtLogMs = nowMs
    await cleaned.look(entries, nowMs)
  }
}

const oldestAgeS = (entries: readonly LedgerEntry[], nowMs: number): number =>
  entries.length === 0 ? 0 : (nowMs - Math.min(...entries.map(({ receivedAtMs }) => receivedAtMs))) / 1000
