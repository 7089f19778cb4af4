/** Below this, memory of its own costs less than the pool's bookkeeping: Node cuts it from a slab. */
const POOLED_BYTES_MIN = 4 * 1024
const SIZE_MAX = 21
const POOLED_BYTES_MAX = 2 ** SIZE_MAX
/** Of buffers that nobody uses. */
const FREE_BYTES_MAX = 4 * 1024 * 1024

/** Frames on their way to one socket. */
export interface PooledFrames {
  readonly bytes: Buffer
  /** To be called once the kernel has the bytes, or never will. */
  readonly release: () => void
}

/**
 * Memory for frames that wait for their socket, used again once they have left. Each answer in a buffer of its own is external
 * memory to V8, and enough of that begins a collection of the whole heap (ADR 19).
 */
export class FramePool {
  /** By the binary logarithm of their size. */
  readonly #free = new Map<number, Buffer[]>()
  #freeBytes = 0

  get freeBytes(): number {
    return this.#freeBytes
  }

  /** A copy of the frames, at most half of its memory unused. */
  copy(frames: Buffer, length: number): PooledFrames {
    if (length < POOLED_BYTES_MIN || length > POOLED_BYTES_MAX) {
      const bytes = Buffer.allocUnsafe(length)
      frames.copy(bytes, 0, 0, length)
      return { bytes, release: NOTHING }
    }
    const size = 32 - Math.clz32(length - 1)
    const buffer = this.#take(size)
    frames.copy(buffer, 0, 0, length)
    return { bytes: buffer.subarray(0, length), release: () => this.#putBack(size, buffer) }
  }

  #take(size: number): Buffer {
    const free = this.#free.get(size)?.pop()
    if (free === undefined) return Buffer.allocUnsafeSlow(2 ** size)
    this.#freeBytes -= free.length
    return free
  }

  #putBack(size: number, buffer: Buffer): void {
    while (this.#freeBytes + buffer.length > FREE_BYTES_MAX) if (!this.#dropLargerThan(size)) return
    this.#freeBytes += buffer.length
    const free = this.#free.get(size)
    if (free === undefined) this.#free.set(size, [buffer])
    else free.push(buffer)
  }

  /** Large answers are rare: what they have left makes room for the smaller. */
  #dropLargerThan(size: number): boolean {
    for (let larger = SIZE_MAX; larger > size; larger--) {
      const dropped = this.#free.get(larger)?.pop()
      if (dropped === undefined) continue
      this.#freeBytes -= dropped.length
      return true
    }
    return false
  }
}

const NOTHING = () => {}
