import { okIn } from '../client/relay-message.ts'
import { RelaySocket } from '../client/relay-socket.ts'
import type { Corpus } from '../corpus/corpus.ts'
import type { Latencies } from '../stats/latency.ts'

/** Events of the corpus from one index to before another. */
export interface Range {
  readonly from: number
  readonly to: number
}

export interface PublishLoad {
  readonly connections: number
  /** EVENTs of one connection that await their OK. */
  readonly window: number
}

export interface Published {
  readonly accepted: number
  readonly refused: number
  /** OKs with `true` and words: the relay had the event already. */
  readonly duplicates: number
  /** The first refusal or remark, as it came. */
  readonly remark: string | null
  readonly seconds: number
}

export interface PublishOptions {
  /** From sending an EVENT to its OK. */
  readonly latencies?: Latencies
  /** Called just before these events go out. */
  readonly onSend?: (sent: Range) => void
  /** Called with every OK that is no acceptance, as it came. */
  readonly onRefusal?: (message: string) => void
  readonly onProgress?: (done: number) => void
}

/** A relay that says nothing for so long has stopped. */
const STALL_TIMEOUT_MS = 60_000
const PROGRESS_MS = 200

/** Publishes the range over some connections, each with a window of its own; ends when every event has its OK. */
export async function publishRange(
  url: string,
  corpus: Corpus,
  range: Range,
  load: PublishLoad,
  options: PublishOptions = {},
): Promise<Published> {
  const run = new PublishRun(corpus, range, options)
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, () => connectPublisher(url, run)),
  )
  const startedMs = performance.now()
  let lastDone = -1
  const watch = setInterval(() => {
    if (run.done === lastDone) run.fail(new Error(`no OK for ${STALL_TIMEOUT_MS} ms`))
    lastDone = run.done
  }, STALL_TIMEOUT_MS)
  const progress = setInterval(() => options.onProgress?.(run.done), PROGRESS_MS)
  try {
    for (const publisher of sockets) publisher.send(load.window)
    await run.ended
  } finally {
    clearInterval(watch)
    clearInterval(progress)
    for (const { socket } of sockets) socket.close()
  }
  const { accepted, refused, duplicates, remark } = run
  return { accepted, refused, duplicates, remark, seconds: (performance.now() - startedMs) / 1000 }
}

/** What all publishers of a range share: whose turn an event is, and when it was sent. */
class PublishRun {
  readonly corpus: Corpus
  readonly #range: Range
  readonly #options: PublishOptions
  readonly #sentMs: Float64Array
  readonly #ended = Promise.withResolvers<void>()
  #next: number
  done = 0
  accepted = 0
  refused = 0
  duplicates = 0
  remark: string | null = null

  constructor(corpus: Corpus, range: Range, options: PublishOptions) {
    this.corpus = corpus
    this.#range = range
    this.#next = range.from
    this.#options = options
    this.#sentMs = new Float64Array(range.to - range.from)
    if (range.from === range.to) this.#ended.resolve()
    // A connection may break before anybody waits for the end.
    this.#ended.promise.catch(() => {})
  }

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** The next frames, at most `count`, in one piece; null when all are on their way. */
  take(count: number): Buffer | null {
    const from = this.#next
    const to = Math.min(this.#range.to, from + count)
    if (from === to) return null
    this.#next = to
    this.#options.onSend?.({ from, to })
    this.#sentMs.fill(performance.now(), from - this.#range.from, to - this.#range.from)
    return this.corpus.frames(from, to)
  }

  onOk(bytes: Buffer, start: number, end: number, nowMs: number): void {
    const { key, isAccepted, hasMessage } = okIn(bytes, start, end)
    const index = this.corpus.indexOf(key)
    if (index === undefined || index < this.#range.from || index >= this.#range.to) return
    this.#options.latencies?.recordMs(nowMs - (this.#sentMs[index - this.#range.from] as number))
    if (isAccepted) this.accepted++
    else this.#refuse(bytes.toString('utf8', start, end))
    if (isAccepted && hasMessage) this.duplicates++
    if (hasMessage) this.remark ??= bytes.toString('utf8', start, end)
    this.done++
    if (this.done === this.#range.to - this.#range.from) this.#ended.resolve()
  }

  fail(cause: Error): void {
    this.#ended.reject(cause)
  }

  #refuse(message: string): void {
    this.refused++
    this.#options.onRefusal?.(message)
  }
}

async function connectPublisher(url: string, run: PublishRun) {
  let [freed, readMs] = [0, 0]
  const socket = await RelaySocket.connect(url, {
    onMessage: (verb, bytes, start, end) => {
      if (verb !== 'OK') return
      // One look at the clock for all that the kernel handed over together.
      if (freed === 0) readMs = performance.now()
      freed++
      run.onOk(bytes, start, end, readMs)
    },
    onRead: () => {
      if (freed > 0) send(freed)
      freed = 0
    },
    onEnd: (cause) => run.fail(cause),
  })
  const send = (count: number) => {
    const frames = run.take(count)
    if (frames !== null) socket.write(frames)
  }
  return { socket, send }
}
