import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CompactionProblem, ServingView } from '@millrace/event-store'
import type { KafkaLogger } from '@millrace/kafka'
import type { Clock } from '@millrace/kernel'

/** How one compaction of the view went. */
export interface ViewCompacted {
  readonly outcome: 'done' | CompactionProblem
  /** That nothing was applied. */
  readonly seconds: number
}

export interface ViewCompactionParts {
  readonly view: Pick<ServingView, 'compact' | 'erasedSinceMs' | 'removeLeft' | 'fileBytes'>
  readonly erasureDeadlineS: number
  readonly clock: Clock
  readonly log: KafkaLogger
  /** Awaited before the file before is removed: whoever else reads the view goes on in the new one. */
  readonly follow: () => Promise<void>
  readonly onCompacted: (compacted: ViewCompacted) => void
  /** The view cannot go on. */
  readonly onFailure: (cause: unknown) => void
}

/** Erased bytes wait a quarter of the deadline, for company; what is left of it is for tries that fail, and for large files. */
const WAITS_PER_DEADLINE = 4
const TRIES_PER_DEADLINE = 16
const LOOKS_PER_DEADLINE = 64
const LOOK_MS_MAX = 60_000

/** Compacts the view when erased bytes have lain in its file long enough. Whoever writes to the view awaits `idle` first. */
export class ViewCompaction {
  readonly #parts: ViewCompactionParts
  readonly #deadlineMs: number
  #copying: Promise<void> | null = null
  #isRunning = false
  #isStopped = false
  #notBeforeMs = 0
  #timer: NodeJS.Timeout | null = null

  constructor(parts: ViewCompactionParts) {
    this.#parts = parts
    this.#deadlineMs = parts.erasureDeadlineS * 1000
  }

  start(): void {
    const lookMs = Math.min(this.#deadlineMs / LOOKS_PER_DEADLINE, LOOK_MS_MAX)
    this.#timer = setInterval(() => void this.look(), lookMs).unref()
  }

  /** Resolves while nothing is copied: what is then done in the same turn is in no copy's way. */
  async idle(): Promise<void> {
    while (this.#copying !== null) await this.#copying
  }

  /** Compacts if it is time to. */
  async look(): Promise<void> {
    const { view, clock, onFailure } = this.#parts
    const { erasedSinceMs } = view
    if (this.#isRunning || this.#isStopped || erasedSinceMs === null) return
    const dueMs = Math.max(erasedSinceMs + this.#deadlineMs / WAITS_PER_DEADLINE, this.#notBeforeMs)
    if (clock.nowMs() < dueMs) return
    this.#isRunning = true
    try {
      await this.#compact()
    } catch (cause) {
      onFailure(cause)
    } finally {
      this.#isRunning = false
    }
  }

  /** No further one, and one that runs is given up as soon as it can be. Readers that have not followed are gone by then. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.idle()
  }

  readonly #pause = async (): Promise<void> => {
    await nextTurn()
    if (this.#isStopped) throw new Error('the view is being closed')
  }

  async #compact(): Promise<void> {
    const { view, clock, log, follow, onCompacted } = this.#parts
    const startMs = performance.now()
    const bytesBefore = view.fileBytes
    const compacting = view.compact(this.#pause)
    const copied = Promise.withResolvers<void>()
    this.#copying = copied.promise
    const result = await compacting.finally(() => {
      this.#copying = null
      copied.resolve()
    })
    const seconds = (performance.now() - startMs) / 1000
    if (!result.ok) {
      if (this.#isStopped) return
      const { problem, message } = result.fault
      this.#notBeforeMs = clock.nowMs() + this.#deadlineMs / TRIES_PER_DEADLINE
      log.error({ problem }, `erased bytes stay in the serving view for now: ${message}`)
      onCompacted({ outcome: problem, seconds })
      return
    }
    await follow()
    // Whoever stops the view closes it, and that removes the file as well.
    if (this.#isStopped) return
    await view.removeLeft()
    const bytes = view.fileBytes
    log.info(
      { bytes_before: bytesBefore, bytes, ms: Math.round(seconds * 1000) },
      'the serving view is compacted',
    )
    onCompacted({ outcome: 'done', seconds })
  }
}
