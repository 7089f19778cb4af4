import { okIn } from '../client/relay-message.ts'
import { RelaySocket } from '../client/relay-socket.ts'
import type { Corpus } from '../corpus/corpus.ts'
import { Latencies, type Percentiles } from '../stats/latency.ts'
import { ensurePresent } from './ensure-present.ts'
import type { Range } from './publish-range.ts'

const CONNECTIONS = 4
const TICK_MS = 4
/** Past so many without their OK it waits: what is behind by seconds is not a steady load any more. */
const IN_FLIGHT_MAX = 2_000
const DRAIN_TIMEOUT_MS = 30_000

export interface SteadyWriterOptions {
  readonly eventsPerSecond: number
  /** Called just before an event goes out. */
  readonly onSend?: (index: number) => void
}

/** Publishes a range at a steady rate beside what is measured, and knows at every moment what the relay has. */
export class SteadyWriter {
  readonly #url: string
  readonly #corpus: Corpus
  readonly #range: Range
  readonly #options: SteadyWriterOptions
  readonly #acked: Uint8Array
  readonly #sentMs: Float64Array
  readonly #latencies = new Latencies()
  #sockets: readonly RelaySocket[] = []
  #timer: NodeJS.Timeout | null = null
  #startedMs = 0
  #elapsedMs = 0
  #done = 0
  #failure: Error | null = null
  #sentBefore: number
  #ackedBefore: number

  constructor(url: string, corpus: Corpus, range: Range, options: SteadyWriterOptions) {
    this.#url = url
    this.#corpus = corpus
    this.#range = range
    this.#options = options
    this.#acked = new Uint8Array(range.to - range.from)
    this.#sentMs = new Float64Array(range.to - range.from)
    this.#sentBefore = range.from
    this.#ackedBefore = range.from
  }

  /** Every event before this index has its OK. */
  get ackedBefore(): number {
    return this.#ackedBefore
  }

  /** Every event before this index was sent. */
  get sentBefore(): number {
    return this.#sentBefore
  }

  /** Whether it has sent the whole range, or never will: `stop` tells why. */
  get isOver(): boolean {
    return this.#sentBefore >= this.#range.to || this.#failure !== null
  }

  get timesMs(): Percentiles {
    return this.#latencies.percentiles()
  }

  /** Acknowledged events a second, until `stop`. */
  get eventsPerSecond(): number {
    return (this.#done * 1000) / this.#elapsedMs
  }

  async start(): Promise<void> {
    this.#sockets = await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        RelaySocket.connect(this.#url, {
          onMessage: (verb, bytes, start, end) => {
            if (verb === 'OK') this.#onOk(bytes, start, end)
          },
          onEnd: (cause) => {
            this.#failure ??= cause
          },
        }),
      ),
    )
    this.#startedMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Ends the steady part: waits for the OKs that are due. Throws when one was a refusal or a connection broke. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#elapsedMs = performance.now() - this.#startedMs
    const endMs = performance.now() + DRAIN_TIMEOUT_MS
    while (this.#ackedBefore < this.#sentBefore && this.#failure === null) {
      if (performance.now() > endMs) throw new Error(`no OK within ${DRAIN_TIMEOUT_MS} ms`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    for (const socket of this.#sockets) socket.close()
    if (this.#failure !== null) throw this.#failure
  }

  /** Publishes what the time did not suffice for, as fast as it goes, so that the whole range is in the relay. */
  flushRest(): Promise<void> {
    const rest = { from: this.#sentBefore, to: this.#range.to }
    this.#sentBefore = this.#range.to
    this.#ackedBefore = this.#range.to
    return ensurePresent(this.#url, this.#corpus, rest)
  }

  #tick(): void {
    const dueCount = Math.floor(
      ((performance.now() - this.#startedMs) * this.#options.eventsPerSecond) / 1000,
    )
    const due = Math.min(this.#range.to, this.#range.from + dueCount)
    while (
      this.#sentBefore < due &&
      this.#sentBefore - this.#range.from - this.#done < IN_FLIGHT_MAX &&
      this.#failure === null
    ) {
      const index = this.#sentBefore++
      this.#options.onSend?.(index)
      this.#sentMs[index - this.#range.from] = performance.now()
      this.#sockets[index % CONNECTIONS]?.write(this.#corpus.frames(index, index + 1))
    }
  }

  #onOk(bytes: Buffer, start: number, end: number): void {
    const { key, isAccepted, hasMessage } = okIn(bytes, start, end)
    const index = this.#corpus.indexOf(key)
    if (index === undefined || index < this.#range.from || index >= this.#sentBefore) return
    if (!isAccepted || hasMessage) this.#failure ??= new Error(bytes.toString('utf8', start, end))
    this.#latencies.recordMs(performance.now() - (this.#sentMs[index - this.#range.from] as number))
    this.#acked[index - this.#range.from] = 1
    this.#done++
    while (this.#ackedBefore < this.#sentBefore && this.#acked[this.#ackedBefore - this.#range.from] === 1)
      this.#ackedBefore++
  }
}
