const number = new Float64Array(1)
const halves = new Uint32Array(number.buffer)

/** A big-endian double. `Buffer.readDoubleBE` writes eight bytes one by one, and a scan reads several for each event. */
export function readF64(bytes: Buffer, at: number): number {
  halves[1] = bytes.readUInt32BE(at)
  halves[0] = bytes.readUInt32BE(at + 4)
  return number[0] as number
}
