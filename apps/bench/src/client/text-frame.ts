const TEXT_FIN = 0x81
const MASKED = 0x80
const MASK_BYTES = 4
const LENGTH_16 = 126
const LENGTH_64 = 127
const SHORT_MAX = 125
const MEDIUM_MAX = 65_535

/** Most bytes that a frame is longer than its payload. */
export const HEADER_BYTES_MAX = 14

/**
 * Writes the header of a client's text frame (RFC 6455, section 5.2) and answers its length. The masking key is zero: the
 * payload goes out as it is, prepared once, and the server unmasks it all the same.
 */
export function writeHeader(target: Buffer, at: number, payloadBytes: number): number {
  target[at] = TEXT_FIN
  if (payloadBytes <= SHORT_MAX) {
    target[at + 1] = MASKED | payloadBytes
    target.writeUInt32BE(0, at + 2)
    return 2 + MASK_BYTES
  }
  if (payloadBytes <= MEDIUM_MAX) {
    target[at + 1] = MASKED | LENGTH_16
    target.writeUInt16BE(payloadBytes, at + 2)
    target.writeUInt32BE(0, at + 4)
    return 4 + MASK_BYTES
  }
  target[at + 1] = MASKED | LENGTH_64
  target.writeBigUInt64BE(BigInt(payloadBytes), at + 2)
  target.writeUInt32BE(0, at + 10)
  return 10 + MASK_BYTES
}

/** A client's text frame, ready to be written to a socket. */
export function textFrame(payload: string): Buffer {
  const bytes = Buffer.from(payload)
  const frame = Buffer.allocUnsafe(HEADER_BYTES_MAX + bytes.length)
  const header = writeHeader(frame, 0, bytes.length)
  bytes.copy(frame, header)
  return frame.subarray(0, header + bytes.length)
}

/** A client's control frame; `payload` at most 125 bytes. */
export function controlFrame(opcode: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(2 + MASK_BYTES + payload.length)
  frame[0] = 0x80 | opcode
  frame[1] = MASKED | payload.length
  frame.set(payload, 2 + MASK_BYTES)
  return frame
}
