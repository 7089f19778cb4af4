const VARINT_BYTES_MAX = 10

/** Reads Kafka's primitive types from a response, front to back. Reading past the end throws RangeError. */
export class ByteReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get remaining(): number {
    return this.bytes.length - this.at
  }

  int8(): number {
    const value = this.bytes.readInt8(this.at)
    this.at += 1
    return value
  }

  int16(): number {
    const value = this.bytes.readInt16BE(this.at)
    this.at += 2
    return value
  }

  int32(): number {
    const value = this.bytes.readInt32BE(this.at)
    this.at += 4
    return value
  }

  /** A 64-bit number as a double: offsets and timestamps stay far below 2^53. */
  int64(): number {
    const value = this.bytes.readInt32BE(this.at) * 2 ** 32 + this.bytes.readUInt32BE(this.at + 4)
    this.at += 8
    return value
  }

  /** A zigzag varint of up to 64 bits; exact below 2^53. */
  varint(): number {
    let value = 0
    let scale = 1
    for (let length = 0; length < VARINT_BYTES_MAX; length++) {
      const byte = this.bytes.readUInt8(this.at++)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      scale *= 0x80
    }
    throw new RangeError('a varint longer than 64 bits')
  }

  /** A view, not a copy. */
  slice(length: number): Buffer {
    if (length > this.remaining) throw new RangeError('a field longer than the response')
    const slice = this.bytes.subarray(this.at, this.at + length)
    this.at += length
    return slice
  }

  /** A length-prefixed field of a record; null for length −1. */
  varintBytes(): Buffer | null {
    const length = this.varint()
    return length < 0 ? null : this.slice(length)
  }

  string(): string {
    const length = this.int16()
    return length <= 0 ? '' : this.slice(length).toString('utf8')
  }

  array<T>(read: (reader: this) => T): T[] {
    const length = this.int32()
    const items: T[] = []
    for (let index = 0; index < length; index++) items.push(read(this))
    return items
  }
}
