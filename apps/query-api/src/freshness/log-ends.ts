import type { Log, LogAdmin } from '@millrace/kafka'
import { TOPICS } from '@millrace/topics'

/** Where every partition of nostr.events ended at some moment, next offsets to be written. */
export interface LogEnds {
  readonly atMs: number
  readonly ends: ReadonlyMap<number, number>
}

export interface LogEndsReader {
  /** Null when the log gives no answer in time. */
  read(): Promise<LogEnds | null>
}

/** Asks the log where it ends, at most once at a time, and never keeps a request waiting for a broker that is away. */
export class KafkaLogEnds implements LogEndsReader {
  readonly #log: Pick<Log, 'admin'>
  readonly #timeoutMs: number
  #admin: LogAdmin | null = null
  #asking: Promise<LogEnds | null> | null = null
  #askedSinceMs = 0

  constructor(log: Pick<Log, 'admin'>, timeoutMs: number) {
    this.#log = log
    this.#timeoutMs = timeoutMs
  }

  async read(): Promise<LogEnds | null> {
    if (this.#asking === null) {
      this.#askedSinceMs = performance.now()
      this.#asking = this.#ask().finally(() => {
        this.#asking = null
      })
    }
    // A question that waits for a broker already is waited for once, not by every request.
    const leftMs = this.#timeoutMs - (performance.now() - this.#askedSinceMs)
    return leftMs <= 0 ? null : inTime(this.#asking, leftMs)
  }

  async #ask(): Promise<LogEnds | null> {
    // Taken before the question: everything acknowledged until then lies below the ends.
    const atMs = Date.now()
    try {
      this.#admin ??= await this.#log.admin()
      const partitions = await this.#admin.offsets(TOPICS.events)
      return { atMs, ends: new Map(partitions.map(({ partition, end }) => [partition, end])) }
    } catch {
      // Kafka is away: /health of the platform tells so, answers say that they may be partial.
      return null
    }
  }
}

async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
