import type { RejectsStore } from '@millrace/erasure'
import { delayMs, type Fault } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'

export interface RejectsSweepParts {
  readonly store: Pick<RejectsStore, 'eraseCovered'>
  readonly tombstones: TombstoneSet
  readonly intervalMs: number
  readonly onFault: (fault: Fault) => void
}

/** Takes refused lines of imports on this machine out of their files once tombstones cover them, well within the deadline. */
export class RejectsSweep {
  readonly #parts: RejectsSweepParts

  constructor(parts: RejectsSweepParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const swept = await this.#parts.store.eraseCovered(this.#parts.tombstones)
      if (!swept.ok) this.#parts.onFault(swept.fault)
      await delayMs(this.#parts.intervalMs, signal)
    }
  }
}
