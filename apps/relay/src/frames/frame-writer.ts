import type { ServedEvent } from '@millrace/read-models'
import { HEAD_BYTES_MAX, writeHead } from './frame-head.ts'
import { FramePool, type PooledFrames } from './frame-pool.ts'

const CLOSING_BRACKET = 0x5d

const INITIAL_BYTES = 256 * 1024
/** Past this the memory that one answer needed is not kept. */
const KEPT_BYTES_MAX = 2 * 1024 * 1024

/**
 * Lays out whole WebSocket text frames, unmasked as servers send them, one after the other in memory that is used again by the next answer: a
 * write of its own for every frame costs more than finding its event. There is one writer for all clients; each fills it and takes what it
 * has written within one turn of the event loop.
 */
export class FrameWriter {
  readonly #pool = new FramePool()
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #end = 0

  /** Of the frames laid out so far. */
  get length(): number {
    return this.#end
  }

  /** Forgets what was laid out. */
  reset(): void {
    this.#end = 0
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  }

  /** @param prefix `["EVENT",<subscription id>,` in UTF-8 */
  event(prefix: Buffer, event: ServedEvent): void {
    const jsonBytes = event.jsonBytes ?? Buffer.byteLength(event.json)
    let at = this.#begin(prefix.length + jsonBytes + 1)
    const bytes = this.#bytes
    prefix.copy(bytes, at)
    at += prefix.length
    if (event.copyJson === undefined) bytes.write(event.json, at)
    else event.copyJson(bytes, at)
    at += jsonBytes
    bytes[at] = CLOSING_BRACKET
    this.#end = at + 1
  }

  message(text: string): void {
    const length = Buffer.byteLength(text)
    const at = this.#begin(length)
    this.#bytes.write(text, at)
    this.#end = at + length
  }

  /** What was laid out, in memory of its own until it is released; the writer is empty then. */
  take(): PooledFrames {
    const frames = this.#pool.copy(this.#bytes, this.#end)
    this.reset()
    return frames
  }

  /** Writes the head of a frame and makes room for its payload; answers where that begins. */
  #begin(payloadBytes: number): number {
    this.#reserve(HEAD_BYTES_MAX + payloadBytes)
    return writeHead(this.#bytes, this.#end, payloadBytes)
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}
