import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** Results of a REQ are sent in portions of this size, each once the one before has left, bytes. */
const PORTION_BYTES = 256 * 1024

export interface OutboxOptions {
  readonly outboxBytesMax: number
  /** Longest time without a byte leaving while somebody waits for the outbox to drain, milliseconds. */
  readonly outboxDrainTimeoutMs: number
  /** Called once, when the client reads too slowly. */
  readonly onOverflow: () => void
}

/** What waits to be sent to one client: bounded in bytes, and frames of one turn of the event loop leave together. */
export class Outbox {
  readonly #socket: WebSocket
  readonly #stream: Duplex
  readonly #options: OutboxOptions
  #isCorked = false
  #isClosed = false

  constructor(socket: WebSocket, stream: Duplex, options: OutboxOptions) {
    this.#socket = socket
    this.#stream = stream
    this.#options = options
  }

  get bytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Whether a sender that can wait should now wait for `drained`. */
  get isPressed(): boolean {
    return this.bytes > PORTION_BYTES || this.#isClosed
  }

  /** Whether so much more leaves room for what comes live meanwhile; else it is sent at the client's pace. */
  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#options.outboxBytesMax / 2
  }

  /** Queues one text frame, given as text or as its UTF-8. After `close` or an overflow it does nothing. */
  send(frame: string | Buffer): void {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) return
    this.#corkForThisTurn()
    this.#socket.send(frame, { binary: false })
    this.#checkOverflow()
  }

  #checkOverflow(): void {
    if (this.#socket.bufferedAmount <= this.#options.outboxBytesMax) return
    this.#isClosed = true
    this.#options.onOverflow()
  }

  /**
   * Queues whole WebSocket frames as they go over the wire. ws writes its own frames to the same stream in order, since
   * nothing is compressed.
   *
   * @param release called once the bytes are not needed any more
   */
  sendFrames(bytes: Buffer, release: () => void = NOTHING): void {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) {
      release()
      return
    }
    this.#corkForThisTurn()
    this.#stream.write(bytes, release)
    this.#checkOverflow()
  }

  /** No frame leaves after those queued already. */
  close(): void {
    this.#isClosed = true
  }

  /**
   * Resolves once the client has read most of what was sent: true, or false when it is gone. A client at a standstill
   * overflows, whatever it holds.
   */
  async drained(signal: AbortSignal): Promise<boolean> {
    let before = this.bytes
    while (before > PORTION_BYTES && !this.#isClosed && !signal.aborted) {
      await this.#progress(signal)
      const now = this.bytes
      if (now >= before && now > PORTION_BYTES && !this.#isClosed && !signal.aborted) {
        this.#isClosed = true
        this.#options.onOverflow()
      }
      before = now
    }
    return !this.#isClosed && !signal.aborted
  }

  /** Waits for the stream's own drain, or for the longest standstill allowed. */
  #progress(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer)
        this.#stream.off('drain', settle)
        this.#stream.off('close', settle)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      const timer = setTimeout(settle, this.#options.outboxDrainTimeoutMs)
      this.#stream.once('drain', settle)
      this.#stream.once('close', settle)
      signal.addEventListener('abort', settle, { once: true })
    })
  }

  #corkForThisTurn(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#stream.cork()
    if (corked.push(this) === 1) process.nextTick(uncorkAll)
  }

  uncork(): void {
    this.#isCorked = false
    this.#stream.uncork()
  }
}

/** Corked in this turn of the event loop: one tick for all of them, not one for each of a thousand receivers. */
let corked: Outbox[] = []

function uncorkAll(): void {
  const outboxes = corked
  corked = []
  for (const outbox of outboxes) outbox.uncork()
}

const NOTHING = () => {}
