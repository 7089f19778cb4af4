import { once } from 'node:events'
import { WebSocket } from 'ws'

/** The first characters that tell a frame's verb; an EVENT frame is never parsed, its size would be measured instead. */
const OK = '["OK","'
const EVENT = '["EVENT","'
const EOSE = '["EOSE","'
const CLOSED = '["CLOSED","'

const ID_CHARACTERS = 64

interface Waiter {
  readonly resolve: (accepted: boolean) => void
  readonly reject: (cause: Error) => void
}

export interface RequestTimes {
  /** To the first EVENT or EOSE, milliseconds. */
  readonly firstFrameMs: number
  readonly eoseMs: number
  readonly events: number
}

/** A client that costs the machine as little as it can: frames are told apart by their first bytes, and nothing is kept. */
export class BenchSocket {
  readonly #socket: WebSocket
  readonly #acks = new Map<string, Waiter>()
  readonly #subscriptions = new Map<string, (frame: string) => void>()
  #requests = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => this.#receive(String(data)))
    socket.on('close', (code) => this.#end(new Error(`the relay closed the connection (${code})`)))
    socket.on('error', (cause) => this.#end(cause))
  }

  static async connect(url: string): Promise<BenchSocket> {
    const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: 30_000 })
    const client = new BenchSocket(socket)
    await once(socket, 'open')
    return client
  }

  /** Sends an event given as JSON; resolves with what its OK says. */
  publish(id: string, json: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#acks.set(id, { resolve, reject })
      this.#socket.send(`["EVENT",${json}]`)
    })
  }

  /** Sends a REQ and closes it at EOSE. Rejects when the relay refuses it. */
  request(filter: unknown): Promise<RequestTimes> {
    const id = `r${this.#requests++}`
    return new Promise((resolve, reject) => {
      const sentMs = performance.now()
      let firstFrameMs = 0
      let events = 0
      this.#subscriptions.set(id, (frame) => {
        const nowMs = performance.now() - sentMs
        if (firstFrameMs === 0) firstFrameMs = nowMs
        if (frame.startsWith(EVENT)) {
          events++
          return
        }
        this.#subscriptions.delete(id)
        if (frame.startsWith(CLOSED)) return reject(new Error(`REQ refused: ${frame}`))
        this.#socket.send(`["CLOSE","${id}"]`)
        resolve({ firstFrameMs, eoseMs: nowMs, events })
      })
      this.#socket.send(JSON.stringify(['REQ', id, filter]))
    })
  }

  /** Opens a live subscription; resolves at EOSE. `onEvent` gets the id of every event from then on. */
  subscribe(filter: unknown, onEvent: (eventId: string) => void): Promise<void> {
    const id = `s${this.#requests++}`
    return new Promise((resolve, reject) => {
      this.#subscriptions.set(id, (frame) => {
        if (frame.startsWith(EVENT)) return onEvent(eventIdOf(frame))
        if (frame.startsWith(EOSE)) return resolve()
        reject(new Error(`subscription refused: ${frame}`))
      })
      this.#socket.send(JSON.stringify(['REQ', id, filter]))
    })
  }

  close(): void {
    this.#socket.close()
  }

  #receive(frame: string): void {
    if (frame.startsWith(OK)) {
      const id = frame.slice(OK.length, OK.length + ID_CHARACTERS)
      const waiter = this.#acks.get(id)
      this.#acks.delete(id)
      waiter?.resolve(frame.startsWith(',true', OK.length + ID_CHARACTERS + 1))
      return
    }
    for (const verb of [EVENT, EOSE, CLOSED]) {
      if (!frame.startsWith(verb)) continue
      const id = frame.slice(verb.length, frame.indexOf('"', verb.length))
      this.#subscriptions.get(id)?.(frame)
      return
    }
  }

  #end(cause: Error): void {
    for (const waiter of this.#acks.values()) waiter.reject(cause)
    this.#acks.clear()
  }
}

/** The relay writes the id first (eventJson of libs/nostr). */
function eventIdOf(frame: string): string {
  const at = frame.indexOf('"id":"') + '"id":"'.length
  return frame.slice(at, at + ID_CHARACTERS)
}
