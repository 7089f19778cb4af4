export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

const FIN = 0x80
const MASKED = 0x80
const OPCODE_BITS = 0x0f
const CONTROL_BIT = 0x08
/** Longest frame taken from a relay. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024

const NOTHING = Buffer.alloc(0)

export interface FrameHandlers {
  /** A whole text message lies in `bytes` from `start` to `end`, only until the call returns. */
  readonly onText: (bytes: Buffer, start: number, end: number) => void
  readonly onControl: (opcode: number, payload: Buffer) => void
}

/**
 * Cuts a server's byte stream into messages (RFC 6455, section 5.2) without copying those that lie whole in a chunk. Throws
 * on what no server may send.
 */
export class FrameReader {
  readonly #handlers: FrameHandlers
  #rest: Buffer = NOTHING
  #fragments: Buffer[] = []

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  /** Takes bytes that may be overwritten as soon as it returns. */
  feed(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at < bytes.length) {
      const next = this.#readFrame(bytes, at)
      if (next === at) break
      at = next
    }
    if (at >= bytes.length) this.#rest = NOTHING
    else this.#rest = bytes === chunk ? Buffer.from(bytes.subarray(at)) : bytes.subarray(at)
  }

  /** Where the frame that begins at `at` ends; `at` itself when it is not whole yet. */
  #readFrame(bytes: Buffer, at: number): number {
    if (bytes.length - at < 2) return at
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    if ((second & MASKED) !== 0) throw new Error('the relay masks its frames')
    if ((first & 0x70) !== 0) throw new Error('the relay uses an extension nobody asked for')
    let [start, length] = [at + 2, second]
    if (second === 126) {
      if (bytes.length - at < 4) return at
      length = bytes.readUInt16BE(at + 2)
      start = at + 4
    } else if (second === 127) {
      if (bytes.length - at < 10) return at
      length = Number(bytes.readBigUInt64BE(at + 2))
      start = at + 10
    }
    if (length > FRAME_BYTES_MAX) throw new Error(`the relay sends a frame of ${length} bytes`)
    const end = start + length
    if (end > bytes.length) return at
    this.#take(bytes, first, start, end)
    return end
  }

  #take(bytes: Buffer, first: number, start: number, end: number): void {
    const opcode = first & OPCODE_BITS
    const isLast = (first & FIN) !== 0
    if ((opcode & CONTROL_BIT) !== 0) {
      this.#handlers.onControl(opcode, Buffer.from(bytes.subarray(start, end)))
      return
    }
    if (opcode === OPCODE.binary) throw new Error('the relay sends a binary frame')
    if (isLast && this.#fragments.length === 0) {
      this.#handlers.onText(bytes, start, end)
      return
    }
    this.#fragments.push(Buffer.from(bytes.subarray(start, end)))
    if (!isLast) return
    const whole = Buffer.concat(this.#fragments)
    this.#fragments = []
    this.#handlers.onText(whole, 0, whole.length)
  }
}
