import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const OK_HEAD = '["OK","'
const ID_NAME = Buffer.from('"id":"')
const ID_DIGITS = 64
const EVENTS_DEFAULT = 50

/**
 * A relay that does nothing: it takes every EVENT for good and sends it on to all live subscriptions, and it answers a REQ with
 * as many copies of one event as the filter allows. What the bench measures on it is the bench itself and the kernel.
 */
export function hollowRelay(): Server {
  const live = new Set<Socket>()
  let event: Buffer = Buffer.from('{}')
  return createServer({ noDelay: true }, (socket) => {
    let rest: Buffer = Buffer.alloc(0)
    let isOpen = false
    const answer = (payload: Buffer): Buffer[] => {
      if (payload[2] === 'E'.charCodeAt(0)) {
        event = Buffer.from(payload.subarray(9, payload.length - 1))
        for (const subscriber of live)
          subscriber.write(message([Buffer.from('["EVENT","live",'), event, CLOSE]))
        const at = payload.indexOf(ID_NAME) + ID_NAME.length
        return [message([Buffer.from(OK_HEAD), payload.subarray(at, at + ID_DIGITS), OK_TAIL])]
      }
      if (payload[2] !== 'R'.charCodeAt(0)) return []
      return answersTo(payload.toString('latin1'), event, () => live.add(socket))
    }
    socket.on('close', () => live.delete(socket)).on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      if (!isOpen) {
        const end = rest.indexOf('\r\n\r\n')
        if (end === -1) return
        socket.write(agreement(rest.toString('latin1', 0, end)))
        rest = rest.subarray(end + 4)
        isOpen = true
      }
      const out: Buffer[] = []
      rest = eachPayload(rest, (payload) => out.push(...answer(payload)))
      if (out.length > 0) socket.write(Buffer.concat(out))
    })
  })
}

const CLOSE = Buffer.from(']')
const OK_TAIL = Buffer.from('",true,""]')

function answersTo(req: string, event: Buffer, onLive: () => void): Buffer[] {
  const name = req.slice(8, req.indexOf('"', 8))
  const eose = message([Buffer.from(`["EOSE","${name}"]`)])
  const limit = Number(/"limit":(\d+)/.exec(req)?.[1] ?? EVENTS_DEFAULT)
  if (limit === 0) {
    onLive()
    return [eose]
  }
  const count = req.includes('"ids"') ? 20 : limit
  const one = message([Buffer.from(`["EVENT","${name}",`), event, CLOSE])
  return [...Array.from({ length: count }, () => one), eose]
}

function agreement(request: string): string {
  const key = /^sec-websocket-key:\s*(\S+)/im.exec(request)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64')
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade'
  return `${head}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
}

/** A server's text frame. */
function message(parts: readonly Buffer[]): Buffer {
  const payload = Buffer.concat(parts)
  if (payload.length < 126) return Buffer.concat([Buffer.from([0x81, payload.length]), payload])
  if (payload.length < 65_536) {
    const header = Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff])
    return Buffer.concat([header, payload])
  }
  const header = Buffer.alloc(10)
  header.set([0x81, 127])
  header.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([header, payload])
}

/** The payloads of the bench's frames, whose masking key is zero; answers the bytes of the frame that is not whole yet. */
function eachPayload(bytes: Buffer, onPayload: (payload: Buffer) => void): Buffer {
  let at = 0
  while (bytes.length - at >= 14) {
    const short = (bytes[at + 1] as number) & 0x7f
    const [header, length] =
      short < 126
        ? [6, short]
        : short === 126
          ? [8, bytes.readUInt16BE(at + 2)]
          : [14, Number(bytes.readBigUInt64BE(at + 2))]
    if (at + header + length > bytes.length) break
    onPayload(bytes.subarray(at + header, at + header + length))
    at += header + length
  }
  return bytes.subarray(at)
}
