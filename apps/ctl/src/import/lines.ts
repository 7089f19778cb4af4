/** One line of a file, without its end. */
export interface Line {
  /** From 1. */
  readonly number: number
  /** Null when the line is longer than the limit; its bytes are not kept. */
  readonly bytes: Buffer | null
}

/** Some consecutive lines, and where the file goes on after them. */
export interface LineBatch {
  readonly lines: readonly Line[]
  readonly next: FilePosition
}

/** A place between two lines. */
export interface FilePosition {
  /** Decompressed bytes before it. */
  readonly offset: number
  /** Lines before it, empty ones included. */
  readonly lines: number
}

export const FILE_START: FilePosition = { offset: 0, lines: 0 }

export interface LineLimits {
  readonly lineBytesMax: number
  readonly batchLinesMax: number
  readonly batchBytesMax: number
}

const NEWLINE = 0x0a
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Cuts chunks into lines without ever holding more than one batch and one line; empty lines are counted and left out. */
export async function* lineBatches(
  chunks: AsyncIterable<Buffer>,
  from: FilePosition,
  limits: LineLimits,
): AsyncGenerator<LineBatch> {
  const cutter = new LineCutter(from, limits)
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      cutter.append(chunk.subarray(start, end))
      cutter.endLine(1)
      start = end + 1
      if (cutter.isFull) yield cutter.take()
    }
    cutter.append(chunk.subarray(start))
  }
  // The last line may lack its end.
  if (cutter.hasOpenLine) cutter.endLine(0)
  yield cutter.take()
}

class LineCutter {
  readonly #limits: LineLimits
  #offset: number
  #count: number
  #pieces: Buffer[] = []
  #lineBytes = 0
  #lines: Line[] = []
  #batchBytes = 0

  constructor(from: FilePosition, limits: LineLimits) {
    this.#limits = limits
    this.#offset = from.offset
    this.#count = from.lines
  }

  get isFull(): boolean {
    return this.#lines.length >= this.#limits.batchLinesMax || this.#batchBytes >= this.#limits.batchBytesMax
  }

  get hasOpenLine(): boolean {
    return this.#lineBytes > 0
  }

  append(piece: Buffer): void {
    if (piece.length === 0) return
    this.#lineBytes += piece.length
    if (this.#lineBytes <= this.#limits.lineBytesMax) this.#pieces.push(piece)
    else this.#pieces = []
  }

  endLine(newlineBytes: number): void {
    const tooLong = this.#lineBytes > this.#limits.lineBytesMax
    const whole = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces)
    const bytes = this.#offset === 0 ? withoutByteOrderMark(whole) : whole
    this.#count++
    this.#offset += this.#lineBytes + newlineBytes
    if (tooLong || !isBlank(bytes)) {
      this.#lines.push({ number: this.#count, bytes: tooLong ? null : bytes })
      this.#batchBytes += bytes.length
    }
    this.#pieces = []
    this.#lineBytes = 0
  }

  take(): LineBatch {
    const lines = this.#lines
    this.#lines = []
    this.#batchBytes = 0
    return { lines, next: { offset: this.#offset, lines: this.#count } }
  }
}

const withoutByteOrderMark = (bytes: Buffer): Buffer =>
  bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes

const isBlank = (bytes: Buffer): boolean => {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false
  return true
}
