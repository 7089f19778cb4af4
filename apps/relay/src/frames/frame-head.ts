/** FIN and the opcode of a text frame (RFC 6455, section 5.2). */
const TEXT_FRAME = 0x81
const LENGTH_16 = 126
const LENGTH_64 = 127

export const HEAD_BYTES_MAX = 10

/** Writes the head of an unmasked text frame, as servers send them; answers where the payload begins. */
export function writeHead(into: Buffer, at: number, payloadBytes: number): number {
  into[at] = TEXT_FRAME
  if (payloadBytes < LENGTH_16) {
    into[at + 1] = payloadBytes
    return at + 2
  }
  if (payloadBytes < 0x1_0000) {
    into[at + 1] = LENGTH_16
    into.writeUInt16BE(payloadBytes, at + 2)
    return at + 4
  }
  into[at + 1] = LENGTH_64
  into.writeUInt32BE(0, at + 2)
  into.writeUInt32BE(payloadBytes, at + 6)
  return at + HEAD_BYTES_MAX
}

/** The frame of a message that many clients get. */
export function textFrame(text: string): Buffer {
  const payloadBytes = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(HEAD_BYTES_MAX + payloadBytes)
  const start = writeHead(frame, 0, payloadBytes)
  return frame.subarray(0, start + frame.write(text, start))
}
