/**
 * Writes ClickHouse's RowBinary format into a growing buffer: little-endian integers, strings after their length as an
 * unsigned LEB128, arrays after their length.
 */
export class RowBinaryWriter {
  #buffer: Buffer
  #length = 0

  constructor(capacityBytes = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafe(capacityBytes)
  }

  get length(): number {
    return this.#length
  }

  /** What was written so far; valid until the next write. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  uint8(value: number): void {
    this.#reserve(1)
    this.#length = this.#buffer.writeUInt8(value, this.#length)
  }

  uint16(value: number): void {
    this.#reserve(2)
    this.#length = this.#buffer.writeUInt16LE(value, this.#length)
  }

  uint32(value: number): void {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32LE(value, this.#length)
  }

  /** A whole number up to 2^53 − 1; also Int64 and DateTime64 for values that are not negative. */
  uint64(value: number): void {
    this.#reserve(8)
    this.#buffer.writeUInt32LE(value % 2 ** 32, this.#length)
    this.#length = this.#buffer.writeUInt32LE(Math.floor(value / 2 ** 32), this.#length + 4)
  }

  /** FixedString from hex of exactly its size. */
  fixedHex(hex: string, sizeBytes: number): void {
    this.#reserve(sizeBytes)
    const written = this.#buffer.write(hex, this.#length, sizeBytes, 'hex')
    if (written !== sizeBytes || hex.length !== 2 * sizeBytes)
      throw new Error(`expected ${sizeBytes} bytes of hex, got ${hex.length} characters`)
    this.#length += sizeBytes
  }

  string(text: string): void {
    const sizeBytes = Buffer.byteLength(text)
    this.size(sizeBytes)
    this.#reserve(sizeBytes)
    this.#length += this.#buffer.write(text, this.#length, sizeBytes, 'utf8')
  }

  /** The length that precedes a string's bytes or an array's items. */
  size(count: number): void {
    this.#reserve(5)
    let rest = count
    while (rest >= 0x80) {
      this.#length = this.#buffer.writeUInt8((rest & 0x7f) | 0x80, this.#length)
      rest >>>= 7
    }
    this.#length = this.#buffer.writeUInt8(rest, this.#length)
  }

  #reserve(moreBytes: number): void {
    if (this.#length + moreBytes <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + moreBytes))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
