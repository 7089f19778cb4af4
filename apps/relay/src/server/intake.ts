import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { AddressLimits } from '../limits/address-limits.ts'
import type { Flow } from '../session/inbox.ts'

/** What a frame counts beside its bytes: even the smallest costs work, and often an answer. */
const FRAME_BYTES = 256

/** Longest pause until the debt of the address is looked at again, milliseconds. */
const PAUSE_MS_MAX = 1_000

/** The way in from one client: not read while somebody holds it back, or while its address has sent more bytes than it may. */
export class Intake implements Flow {
  readonly #socket: Pick<WebSocket, 'pause' | 'resume'>
  readonly #limits: AddressLimits
  #isHeld = false
  #pause: NodeJS.Timeout | null = null
  #isClosed = false

  /** @param stream the socket under the WebSocket, where control frames and fragments are met too */
  constructor(socket: Pick<WebSocket, 'pause' | 'resume'>, stream: Duplex, limits: AddressLimits) {
    this.#socket = socket
    this.#limits = limits
    stream.on('data', (chunk: Buffer) => this.#count(chunk.length))
  }

  /** Holds it back until `resume`, however often it is called. */
  pause(): void {
    this.#isHeld = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isHeld = false
    if (this.#pause === null) this.#socket.resume()
  }

  countFrame(): void {
    this.#count(FRAME_BYTES)
  }

  /** Bytes are counted no longer; a socket paused for them is read again, so that its end is noticed. */
  close(): void {
    this.#isClosed = true
    if (this.#pause !== null) this.#endPause(this.#pause)
  }

  #count(bytes: number): void {
    if (this.#isClosed) return
    const waitMs = this.#limits.received(bytes)
    if (waitMs === 0 || this.#pause !== null) return
    this.#limits.paused()
    this.#socket.pause()
    this.#resumeIn(waitMs)
  }

  #resumeIn(waitMs: number): void {
    const pause = setTimeout(
      () => {
        const leftMs = this.#limits.received(0)
        if (leftMs > 0) this.#resumeIn(leftMs)
        else this.#endPause(pause)
      },
      Math.min(Math.ceil(waitMs), PAUSE_MS_MAX),
    )
    this.#pause = pause
  }

  #endPause(pause: NodeJS.Timeout): void {
    clearTimeout(pause)
    this.#pause = null
    if (!this.#isHeld) this.#socket.resume()
  }
}
