/** Writes Kafka's primitive types into a buffer that grows. */
export class ByteWriter {
  #bytes: Buffer
  #at = 0

  constructor(sizeHint = 256) {
    this.#bytes = Buffer.allocUnsafe(sizeHint)
  }

  #grow(length: number): void {
    if (this.#at + length <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + length))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }

  int8(value: number): this {
    this.#grow(1)
    this.#at = this.#bytes.writeInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#grow(2)
    this.#at = this.#bytes.writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#grow(4)
    this.#at = this.#bytes.writeInt32BE(value, this.#at)
    return this
  }

  int64(value: number | bigint): this {
    this.#grow(8)
    this.#at = this.#bytes.writeBigInt64BE(BigInt(value), this.#at)
    return this
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1)
    const length = Buffer.byteLength(value)
    this.int16(length).#grow(length)
    this.#at += this.#bytes.write(value, this.#at)
    return this
  }

  /** Bytes with their length in front. */
  bytes(value: Buffer): this {
    this.int32(value.length).#grow(value.length)
    this.#at += value.copy(this.#bytes, this.#at)
    return this
  }

  array<T>(items: readonly T[], write: (writer: this, item: T) => void): this {
    this.int32(items.length)
    for (const item of items) write(this, item)
    return this
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }
}
