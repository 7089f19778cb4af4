const POLYNOMIAL = 0x82f63b78

/** Eight tables, so that eight bytes are folded in one step ("slicing-by-8", Intel 2006). */
const TABLES: readonly Uint32Array[] = makeTables()

function makeTables(): readonly Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
  const [first] = tables as [Uint32Array]
  for (let n = 0; n < 256; n++) {
    let crc = n
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    first[n] = crc
  }
  for (let n = 0; n < 256; n++) {
    let crc = first[n] as number
    for (let t = 1; t < 8; t++) {
      crc = (crc >>> 8) ^ (first[crc & 0xff] as number)
      ;(tables[t] as Uint32Array)[n] = crc
    }
  }
  return tables
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** CRC-32C (Castagnoli) of bytes[start, end), as Kafka's record batches carry it; an unsigned 32-bit number. */
export function crc32c(bytes: Buffer, start: number, end: number): number {
  let crc = 0xffffffff
  let at = start
  for (const wordsEnd = end - 7; at < wordsEnd; at += 8) {
    const low = (crc ^ bytes.readUInt32LE(at)) >>> 0
    crc =
      (T7[low & 0xff] as number) ^
      (T6[(low >>> 8) & 0xff] as number) ^
      (T5[(low >>> 16) & 0xff] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[bytes[at + 4] as number] as number) ^
      (T2[bytes[at + 5] as number] as number) ^
      (T1[bytes[at + 6] as number] as number) ^
      (T0[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[at] as number)) & 0xff] as number)
  return (crc ^ 0xffffffff) >>> 0
}
