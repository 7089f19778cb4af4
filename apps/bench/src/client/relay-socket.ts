import { createHash, randomBytes } from 'node:crypto'
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { FrameReader, OPCODE } from './frame-reader.ts'
import { compacted, isCompact, type Verb, verbAt } from './relay-message.ts'
import { controlFrame } from './text-frame.ts'

const HANDSHAKE_TIMEOUT_MS = 30_000
const HANDSHAKE_BYTES_MAX = 16_384
/** RFC 6455, section 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** Bytes of a busy connection taken from the kernel at once. */
const READ_BYTES = 65_536
/** Thousands of idle ones get by with less. */
export const READ_BYTES_IDLE = 4_096

export interface SocketHandlers {
  /** One message; `bytes` are valid only until the call returns. */
  readonly onMessage: (verb: Verb, bytes: Buffer, start: number, end: number) => void
  /** After all messages of one read from the kernel: the moment to write. */
  readonly onRead?: () => void
  /** The connection is over, whoever ended it; called once. */
  readonly onEnd: (cause: Error) => void
}

/**
 * A WebSocket client that leaves as much of the machine as it can to the relay: no compression, prepared frames out, and
 * messages in place in the one buffer that the kernel's bytes are read into.
 */
export class RelaySocket {
  readonly #socket: Socket
  readonly #handlers: SocketHandlers
  readonly #reader: FrameReader
  #handshake: Handshake | null
  #isOver = false

  private constructor(url: URL, handlers: SocketHandlers, handshake: Handshake, readBytes: number) {
    this.#handlers = handlers
    this.#handshake = handshake
    this.#reader = new FrameReader({
      onText: (bytes, start, end) => this.#onText(bytes, start, end),
      onControl: (opcode, payload) => this.#onControl(opcode, payload),
    })
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    const callback = (count: number) => this.#onBytes(buffer.subarray(0, count))
    this.#socket = openSocket(url, { buffer, callback })
    this.#socket.setNoDelay(true)
    this.#socket.on('error', (cause) => this.#end(cause))
    this.#socket.on('close', () => this.#end(new Error('the relay closed the connection')))
    const ready = url.protocol === 'wss:' ? 'secureConnect' : 'connect'
    this.#socket.once(ready, () => this.#socket.write(handshake.request))
  }

  /** Resolves when the relay has agreed to speak WebSocket; rejects when it does not within 30 s. */
  static connect(url: string, handlers: SocketHandlers, readBytes = READ_BYTES): Promise<RelaySocket> {
    const address = new URL(url)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail(new Error(`${url} did not answer`)), HANDSHAKE_TIMEOUT_MS)
      const handshake = handshakeWith(address, () => {
        clearTimeout(timer)
        resolve(socket)
      })
      const fail = (cause: Error) => {
        clearTimeout(timer)
        reject(new Error(`${url}: ${cause.message}`, { cause }))
      }
      const onEnd = (cause: Error) => {
        fail(cause)
        handlers.onEnd(cause)
      }
      const socket = new RelaySocket(address, { ...handlers, onEnd }, handshake, readBytes)
    })
  }

  /** Writes prepared frames. */
  write(frames: Uint8Array): void {
    this.#socket.write(frames)
  }

  close(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #onBytes(chunk: Buffer): boolean {
    if (this.#isOver) return true
    try {
      const frames = this.#handshake === null ? chunk : this.#shakeHands(this.#handshake, chunk)
      if (frames !== null) {
        this.#reader.feed(frames)
        this.#handlers.onRead?.()
      }
    } catch (cause) {
      this.#end(cause instanceof Error ? cause : new Error(String(cause)))
    }
    return true
  }

  #shakeHands(handshake: Handshake, chunk: Buffer): Buffer | null {
    const rest = handshake.feed(chunk)
    if (rest === null) return null
    this.#handshake = null
    handshake.onDone()
    return rest
  }

  #onText(bytes: Buffer, start: number, end: number): void {
    const verb = verbAt(bytes, start)
    if (isCompact(bytes, start, verb)) {
      this.#handlers.onMessage(verb, bytes, start, end)
      return
    }
    const message = compacted(bytes, start, end)
    this.#handlers.onMessage(verbAt(message, 0), message, 0, message.length)
  }

  #onControl(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping) this.write(controlFrame(OPCODE.pong, payload))
    if (opcode !== OPCODE.close) return
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005
    this.#end(new Error(`the relay closed the connection (${code} ${payload.toString('utf8', 2)})`))
  }

  #end(cause: Error): void {
    if (this.#isOver) return
    this.close()
    this.#handlers.onEnd(cause)
  }
}

function openSocket(url: URL, onread: OnReadOpts): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol === 'ws:') return connectTcp({ host, port: Number(url.port || 80), onread })
  if (url.protocol !== 'wss:') throw new Error(`${url.href} is no ws:// or wss:// address`)
  // Node's types lack onread here, its documentation and code have it.
  const options = { host, port: Number(url.port || 443), servername: host, onread }
  return connectTls(options)
}

interface Handshake {
  readonly request: string
  readonly onDone: () => void
  /** The bytes after the answer; null while it is not whole. Throws when it is no agreement. */
  readonly feed: (chunk: Buffer) => Buffer | null
}

function handshakeWith(url: URL, onDone: () => void): Handshake {
  const key = randomBytes(16).toString('base64')
  const accept = createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64')
  let answer = Buffer.alloc(0)
  const request = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    '\r\n',
  ].join('\r\n')
  const feed = (chunk: Buffer): Buffer | null => {
    answer = Buffer.concat([answer, chunk])
    const end = answer.indexOf('\r\n\r\n')
    if (end === -1 && answer.length < HANDSHAKE_BYTES_MAX) return null
    const [status = '', ...headers] = answer.toString('latin1', 0, Math.max(0, end)).split('\r\n')
    if (!/^HTTP\/1\.1 101\b/.test(status)) throw new Error(`no WebSocket there: ${status}`)
    const accepted = headers.find((line) => /^sec-websocket-accept:/i.test(line))?.split(':')[1]
    if (accepted?.trim() !== accept) throw new Error('no WebSocket there: a wrong Sec-WebSocket-Accept')
    return answer.subarray(end + 4)
  }
  return { request, onDone, feed }
}
