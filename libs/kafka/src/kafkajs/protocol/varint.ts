/** Bytes of a zigzag varint (protocol buffers' sint32), as record format v2 uses for lengths and deltas. */
export function varintBytes(value: number): number {
  let rest = zigzag(value)
  let bytes = 1
  while (rest >= 0x80) {
    rest >>>= 7
    bytes++
  }
  return bytes
}

/** Writes a zigzag varint at `at` and answers the position after it. */
export function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = zigzag(value)
  let next = at
  while (rest >= 0x80) {
    target[next++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[next++] = rest
  return next
}

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0
