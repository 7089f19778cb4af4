import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowBinaryWriter } from './row-binary.ts'

/** Reads what the format's description says, one value at a time. */
class Reader {
  #at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  uint(sizeBytes: number): bigint {
    let value = 0n
    for (let i = sizeBytes - 1; i >= 0; i -= 1) value = value * 256n + BigInt(this.#bytes[this.#at + i] ?? 0)
    this.#at += sizeBytes
    return value
  }

  size(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }

  bytes(sizeBytes: number): Buffer {
    this.#at += sizeBytes
    return this.#bytes.subarray(this.#at - sizeBytes, this.#at)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }
}

const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))

test('what is written can be read back by the description of the format', () => {
  const row = fc.record({
    number: fc.maxSafeNat(),
    kind: fc.nat(65_535),
    text: fc.string({ unit: 'grapheme', maxLength: 300 }),
    key: hex,
  })
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const writer = new RowBinaryWriter(8)
      for (const { number, kind, text, key } of rows) {
        writer.uint64(number)
        writer.uint16(kind)
        writer.uint32(kind * 7)
        writer.uint8(kind % 256)
        writer.string(text)
        writer.fixedHex(key, 32)
      }
      const reader = new Reader(writer.bytes())
      for (const { number, kind, text, key } of rows) {
        expect(reader.uint(8)).toBe(BigInt(number))
        expect(reader.uint(2)).toBe(BigInt(kind))
        expect(reader.uint(4)).toBe(BigInt(kind * 7))
        expect(reader.uint(1)).toBe(BigInt(kind % 256))
        expect(reader.bytes(reader.size()).toString()).toBe(text)
        expect(reader.bytes(32).toString('hex')).toBe(key)
      }
      expect(reader.isAtEnd).toBe(true)
    }),
  )
})

test.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 31 - 1])('a size of %d', (size) => {
  const writer = new RowBinaryWriter()
  writer.size(size)
  expect(new Reader(writer.bytes()).size()).toBe(size)
})

test('hex of another size is a programming error', () => {
  expect(() => new RowBinaryWriter().fixedHex('abcd', 32)).toThrow('32 bytes')
  expect(() => new RowBinaryWriter().fixedHex('zz'.repeat(32), 32)).toThrow('32 bytes')
})
