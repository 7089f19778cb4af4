import { type Clock, delayMs, type Fault } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import type { DeletionState } from '@millrace/projection-deletion'
import type { OutboxSender } from './outbox-sender.ts'

export interface DueTimerParts {
  readonly state: Pick<DeletionState, 'foldDues' | 'foldAgedLetters'>
  readonly sender: Pick<OutboxSender, 'flush'>
  readonly isOurs: (partition: number) => boolean
  readonly clock: Clock
  readonly intervalMs: number
  readonly metrics: Pick<Metrics, 'count'>
  readonly onFault: (fault: Fault) => void
}

const DUE_PER_ROUND_MAX = 2_000
const LETTERS_KEPT_S = 30 * 86_400
const LETTERS_LOOK_S = 60

/** Takes what has expired (NIP-40), is kept no longer or was superseded long ago, from an index by time: never a scan. */
export class DueTimer {
  readonly #parts: DueTimerParts
  #lettersDueS = 0

  constructor(parts: DueTimerParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.takeAll(signal)
      await delayMs(this.#parts.intervalMs, signal)
    }
  }

  /** Everything that is due now, in rounds. */
  async takeAll(signal?: AbortSignal): Promise<void> {
    const { state, sender, isOurs, clock, metrics, onFault } = this.#parts
    const nowS = clock.nowS()
    if (nowS >= this.#lettersDueS) {
      state.foldAgedLetters(nowS - LETTERS_KEPT_S)
      this.#lettersDueS = nowS + LETTERS_LOOK_S
    }
    for (;;) {
      const taken = state.foldDues(clock.nowS(), DUE_PER_ROUND_MAX, isOurs)
      metrics.count('deletion_due_total', {}, taken)
      // Also what an earlier round could not send.
      const flushed = await sender.flush()
      if (!flushed.ok) return onFault(flushed.fault)
      if (taken < DUE_PER_ROUND_MAX || signal?.aborted) return
    }
  }
}
