import { KafkajsRequestQueue, type RequestQueue } from '../internals.ts'

const PENDING_CHECK_MS = 10

/**
 * kafkajs schedules its next look at the pending requests after every look, with a negative delay: a 1 ms timer loop per
 * connection for as long as it lives, and a TimeoutNegativeWarning (kafkajs issue 1751). Looking is needed only while
 * something is pending: throttled, or above the in-flight limit.
 */
export function scheduleOnlyWhilePending(queue: { prototype: RequestQueue } = KafkajsRequestQueue): void {
  queue.prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return
    const throttledForMs = this.throttledUntil - Date.now()
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null
        this.checkPendingRequests()
      },
      throttledForMs > 0 ? throttledForMs : PENDING_CHECK_MS,
    )
  }
}
