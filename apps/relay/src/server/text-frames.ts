import type { ServedEvent } from '@millrace/read-models'

/** FIN and the opcode of a text frame (RFC 6455, section 5.2). */
const TEXT_FRAME = 0x81
const LENGTH_16 = 126
const LENGTH_64 = 127
const CLOSING_BRACKET = 0x5d

const headBytes = (payloadBytes: number): number =>
  payloadBytes < LENGTH_16 ? 2 : payloadBytes < 0x1_0000 ? 4 : 10

/** Writes the head of an unmasked text frame, as servers send them; answers where the payload begins. */
function writeHead(into: Buffer, at: number, payloadBytes: number): number {
  into[at] = TEXT_FRAME
  if (payloadBytes < LENGTH_16) into[at + 1] = payloadBytes
  else if (payloadBytes < 0x1_0000) {
    into[at + 1] = LENGTH_16
    into.writeUInt16BE(payloadBytes, at + 2)
  } else {
    into[at + 1] = LENGTH_64
    into.writeUInt32BE(0, at + 2)
    into.writeUInt32BE(payloadBytes, at + 6)
  }
  return at + headBytes(payloadBytes)
}

/**
 * The frames of stored events for one subscription, and of what follows them, as one buffer: a write of its own for every
 * frame costs more than finding its event.
 *
 * @param prefix `["EVENT",<subscription id>,` in UTF-8
 * @param last a whole message that follows the events
 */
export function eventFrames(prefix: Buffer, events: readonly ServedEvent[], last: Buffer | null): Buffer {
  const bodies = events.map((event) => event.jsonBytes ?? Buffer.from(event.json))
  let bytes = last === null ? 0 : headBytes(last.length) + last.length
  for (const body of bodies) {
    const payloadBytes = prefix.length + body.length + 1
    bytes += headBytes(payloadBytes) + payloadBytes
  }
  const frames = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const body of bodies) {
    at = writeHead(frames, at, prefix.length + body.length + 1)
    frames.set(prefix, at)
    at += prefix.length
    frames.set(body, at)
    at += body.length
    frames[at++] = CLOSING_BRACKET
  }
  if (last !== null) frames.set(last, writeHead(frames, at, last.length))
  return frames
}
