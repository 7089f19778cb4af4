export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

const FIN = 0x80
const MASKED = 0x80
const OPCODE_BITS = 0x0f
const CONTROL_BIT = 0x08
const RESERVED_BITS = 0x70
/** Longest frame taken from a relay. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024
const SCRATCH_BYTES = 4_096

export interface FrameHandlers {
  /** A whole text message lies in `bytes` from `start` to `end`, only until the call returns. */
  readonly onText: (bytes: Buffer, start: number, end: number) => void
  readonly onControl: (opcode: number, payload: Buffer) => void
}

/**
 * Cuts a server's byte stream into messages (RFC 6455, section 5.2). Those that lie whole in a chunk are not copied; one that
 * is cut is put together in a buffer that is used again and again. Throws on what no server may send.
 */
export class FrameReader {
  readonly #handlers: FrameHandlers
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  /** Bytes of the scratch buffer that hold the beginning of a frame. */
  #begun = 0
  #fragments: Buffer[] = []

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  /** Takes bytes that may be overwritten as soon as it returns. */
  feed(chunk: Buffer): void {
    let at = this.#begun === 0 ? 0 : this.#complete(chunk)
    while (at < chunk.length) {
      const end = frameEnd(chunk, at, chunk.length)
      if (end === null || end > chunk.length) {
        this.#keep(chunk, at, chunk.length)
        return
      }
      this.#readFrame(chunk, at, end)
      at = end
    }
  }

  /** Adds to the frame that was cut; answers where the next one begins in the chunk. */
  #complete(chunk: Buffer): number {
    let at = 0
    let end = frameEnd(this.#scratch, 0, this.#begun)
    while (end === null && at < chunk.length) {
      this.#keep(chunk, at, at + 1)
      at++
      end = frameEnd(this.#scratch, 0, this.#begun)
    }
    if (end === null) return at
    const taken = Math.min(end - this.#begun, chunk.length - at)
    this.#keep(chunk, at, at + taken)
    if (this.#begun === end) {
      this.#begun = 0
      this.#readFrame(this.#scratch, 0, end)
    }
    return at + taken
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const needed = this.#begun + to - from
    if (needed > this.#scratch.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#scratch.length * 2))
      this.#scratch.copy(larger, 0, 0, this.#begun)
      this.#scratch = larger
    }
    chunk.copy(this.#scratch, this.#begun, from, to)
    this.#begun = needed
  }

  #readFrame(bytes: Buffer, at: number, end: number): void {
    this.#take(bytes, bytes[at] as number, at + headerBytes(bytes[at + 1] as number), end)
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

/** Of a server's frame, by its second byte. */
const headerBytes = (second: number): number => (second === 127 ? 10 : second === 126 ? 4 : 2)

/** Where the frame that begins at `at` ends, in bytes that are there up to `limit`; null while its header is not whole. */
function frameEnd(bytes: Buffer, at: number, limit: number): number | null {
  if (limit - at < 2) return null
  const second = bytes[at + 1] as number
  if ((second & MASKED) !== 0) throw new Error('the relay masks its frames')
  if (((bytes[at] as number) & RESERVED_BITS) !== 0)
    throw new Error('the relay uses an extension nobody asked for')
  const header = headerBytes(second)
  if (limit - at < header) return null
  const length =
    second === 127
      ? Number(bytes.readBigUInt64BE(at + 2))
      : second === 126
        ? bytes.readUInt16BE(at + 2)
        : second
  if (length > FRAME_BYTES_MAX) throw new Error(`the relay sends a frame of ${length} bytes`)
  return at + header + length
}
