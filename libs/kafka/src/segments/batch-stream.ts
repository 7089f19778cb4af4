import type { FileHandle } from 'node:fs/promises'
import { codeOf } from './segment-files.ts'

const CHUNK_BYTES = 1024 * 1024
/** Larger than any `max.message.bytes` in use; a length above it is damage. */
const BATCH_BYTES_MAX = 64 * 1024 * 1024
const LENGTH_AT = 8
const LENGTH_END = 12
const MAGIC_AT = 16
/** Of a batch without records, format v2. */
const BATCH_BYTES_MIN = 61

/** Cuts a segment into its record batches, front to back, a mebibyte or a batch in memory at a time. */
export class BatchStream {
  readonly #file: FileHandle
  /** Why the rest of the file could not be cut into batches; null: it was read to its end. */
  problem: string | null = null
  /** What lies behind the last whole batch at the file's end, bytes. */
  tornBytes = 0
  bytesRead = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** Batches own their memory: each chunk is a buffer of its own. */
  async *batches(): AsyncGenerator<Buffer> {
    let window: Buffer = Buffer.alloc(0)
    for (;;) {
      let at = 0
      let wanted = BATCH_BYTES_MIN
      while (window.length - at >= BATCH_BYTES_MIN) {
        this.problem = this.#headerProblem(window, at)
        if (this.problem !== null) return
        wanted = LENGTH_END + window.readInt32BE(at + LENGTH_AT)
        if (window.length - at < wanted) break
        yield window.subarray(at, at + wanted)
        at += wanted
        wanted = BATCH_BYTES_MIN
      }
      const rest = window.subarray(at)
      const next = await this.#readAfter(rest, Math.max(CHUNK_BYTES, wanted - rest.length))
      if (next === null) return
      if (next.length === rest.length) {
        this.tornBytes = rest.length
        return
      }
      window = next
    }
  }

  #headerProblem(window: Buffer, at: number): string | null {
    const magic = window.readInt8(at + MAGIC_AT)
    const size = LENGTH_END + window.readInt32BE(at + LENGTH_AT)
    const place = `byte ${this.bytesRead - window.length + at}`
    if (size < BATCH_BYTES_MIN || size > BATCH_BYTES_MAX || magic < 0 || magic > 2)
      return `no record batch at ${place}`
    return magic === 2 ? null : `record format ${magic} at ${place} is not read (2 is)`
  }

  async #readAfter(rest: Buffer, bytesMax: number): Promise<Buffer | null> {
    const next = Buffer.allocUnsafeSlow(rest.length + bytesMax)
    rest.copy(next)
    try {
      const { bytesRead } = await this.#file.read(next, rest.length, bytesMax, this.bytesRead)
      this.bytesRead += bytesRead
      return next.subarray(0, rest.length + bytesRead)
    } catch (error) {
      this.problem = codeOf(error)
      return null
    }
  }
}
