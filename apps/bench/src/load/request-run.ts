import { eventKeyIn, isFor, type Verb } from '../client/relay-message.ts'
import { RelaySocket } from '../client/relay-socket.ts'
import type { Answer } from '../oracle/oracle.ts'
import { Latencies, type Percentiles } from '../stats/latency.ts'
import { KeyLog } from './key-log.ts'
import type { PreparedRequest } from './prepared-requests.ts'

/** What the corpus says of the moment: which events a REQ has to see, and which it may see. */
export interface Presence {
  readonly ackedBefore: number
  readonly sentBefore: number
}

export interface Requested {
  readonly requests: number
  readonly events: number
  readonly seconds: number
  readonly firstFrameMs: Percentiles
  readonly eoseMs: Percentiles
  readonly answers: readonly Answer[]
}

const STALL_TIMEOUT_MS = 30_000

/**
 * Every connection sends one prepared REQ after the other until the time is over or the requests are used up. Answers are
 * kept as keys and looked at by nobody before the clock stops.
 */
export async function runRequests(
  url: string,
  perConnection: readonly (readonly PreparedRequest[])[],
  { seconds, presence }: { readonly seconds: number; readonly presence: () => Presence },
): Promise<Requested> {
  const askers = await Promise.all(perConnection.map((requests) => Asker.connect(url, requests, presence)))
  const startedMs = performance.now()
  try {
    await Promise.all(askers.map((asker) => asker.ask(startedMs + seconds * 1000)))
  } finally {
    for (const asker of askers) asker.close()
  }
  const elapsedS = (performance.now() - startedMs) / 1000
  const [firstFrame, eose] = [new Latencies(), new Latencies()]
  for (const asker of askers) {
    firstFrame.add(asker.firstFrame)
    eose.add(asker.eose)
  }
  return {
    requests: askers.reduce((sum, { asked }) => sum + asked, 0),
    events: askers.reduce((sum, { events }) => sum + events, 0),
    seconds: elapsedS,
    firstFrameMs: firstFrame.percentiles(),
    eoseMs: eose.percentiles(),
    answers: askers.flatMap((asker) => asker.answers()),
  }
}

/** One connection with at most one REQ under way. */
class Asker {
  readonly #requests: readonly PreparedRequest[]
  readonly #presence: () => Presence
  readonly #log = new KeyLog()
  readonly #ends: {
    readonly keysBefore: number
    readonly ackedBefore: number
    readonly sentBefore: number
  }[] = []
  readonly #ended = Promise.withResolvers<void>()
  readonly firstFrame = new Latencies()
  readonly eose = new Latencies()
  #socket: RelaySocket | null = null
  #current: PreparedRequest | undefined
  #ackedBefore = 0
  #sentMs = 0
  #hasFrame = false
  #endMs = 0

  private constructor(requests: readonly PreparedRequest[], presence: () => Presence) {
    this.#requests = requests
    this.#presence = presence
  }

  static async connect(
    url: string,
    requests: readonly PreparedRequest[],
    presence: () => Presence,
  ): Promise<Asker> {
    const asker = new Asker(requests, presence)
    asker.#ended.promise.catch(() => {})
    asker.#socket = await RelaySocket.connect(url, {
      onMessage: (verb, bytes, start, end) => asker.#onMessage(verb, bytes, start, end),
      onEnd: (cause) => asker.#ended.reject(cause),
    })
    return asker
  }

  get asked(): number {
    return this.#ends.length
  }

  get events(): number {
    return this.#log.count
  }

  async ask(endMs: number): Promise<void> {
    this.#endMs = endMs
    let askedBefore = -1
    const watch = setInterval(() => {
      if (this.asked === askedBefore) this.#ended.reject(new Error(`no EOSE for ${STALL_TIMEOUT_MS} ms`))
      askedBefore = this.asked
    }, STALL_TIMEOUT_MS)
    this.#next()
    try {
      await this.#ended.promise
    } finally {
      clearInterval(watch)
    }
  }

  answers(): Answer[] {
    let from = 0
    return this.#ends.map(({ keysBefore, ackedBefore, sentBefore }, at) => {
      const keys = this.#log.slice(from, keysBefore)
      from = keysBefore
      return { filters: (this.#requests[at] as PreparedRequest).filters, keys, ackedBefore, sentBefore }
    })
  }

  close(): void {
    this.#socket?.close()
  }

  #next(): void {
    this.#current = this.#requests[this.#ends.length]
    this.#sentMs = performance.now()
    if (this.#current === undefined || this.#sentMs >= this.#endMs) {
      this.#ended.resolve()
      return
    }
    this.#hasFrame = false
    this.#ackedBefore = this.#presence().ackedBefore
    this.#socket?.write(this.#current.frames)
  }

  #onMessage(verb: Verb, bytes: Buffer, start: number, end: number): void {
    const current = this.#current
    // Live events may still come for the subscription before, until the relay has read its CLOSE.
    if (current === undefined || !isFor(bytes, start, verb, current.subscription)) return
    if (verb === 'EVENT') {
      if (!this.#hasFrame) this.#markFirstFrame()
      this.#log.push(eventKeyIn(bytes, start, end))
    } else if (verb === 'EOSE') this.#onEose()
    else if (verb === 'CLOSED')
      this.#ended.reject(new Error(`a REQ was refused: ${bytes.toString('utf8', start, end)}`))
  }

  #markFirstFrame(): void {
    this.#hasFrame = true
    this.firstFrame.recordMs(performance.now() - this.#sentMs)
  }

  #onEose(): void {
    if (!this.#hasFrame) this.#markFirstFrame()
    this.eose.recordMs(performance.now() - this.#sentMs)
    this.#ends.push({
      keysBefore: this.#log.count,
      ackedBefore: this.#ackedBefore,
      sentBefore: this.#presence().sentBefore,
    })
    this.#next()
  }
}
