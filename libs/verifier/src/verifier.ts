import { availableParallelism } from 'node:os'
import { FaultError, fatal, transient } from '@millrace/kernel'
import { eventId, isHex64, isHex128, type NostrEvent } from '@millrace/nostr'
import { LIBRARY_NAMES } from './libsecp256k1-checker.ts'
import type { Implementation } from './signature-checker.ts'
import { type Job, SignatureThread } from './signature-thread.ts'

export interface VerifierOptions {
  /** auto (default): libsecp256k1 where the machine has it, else nostr-wasm. Never JavaScript arithmetic. */
  readonly implementation?: Implementation | 'auto'
  /** Threads (default: the processors but one, at least 1 and at most 4). */
  readonly workers?: number
  /** Events waiting for a verdict at once; more are refused (default 20,000). */
  readonly pendingMax?: number
  /** What the shared library may be called, tried in order. */
  readonly libraryNames?: readonly string[]
}

export interface Verifier {
  /** Which implementation was found. */
  readonly implementation: Implementation
  /** Events waiting for a verdict. */
  readonly pending: number
  /**
   * Whether the id is the hash of the event and the signature the author's (NIP-01, BIP-340). Rejects with a FaultError:
   * queue-full when `pendingMax` are waiting, shutting-down after close(), internal when a thread broke.
   */
  verify(event: NostrEvent): Promise<boolean>
  /** The same for an event whose id was compared with its hash already. */
  verifySignature(event: NostrEvent): Promise<boolean>
  /** Ends the threads; what still waits is rejected with shutting-down. */
  close(): Promise<void>
}

const PENDING_MAX = 20_000
const WORKERS_MAX_DEFAULT = 4
/** Bounds the wait of a lone event behind a flood: 128 signatures take about 5 ms natively, 30 ms in wasm. */
const BATCH_ITEMS_MAX = 128
/** One in work and one waiting, so that a thread never idles between batches. */
const BATCHES_IN_FLIGHT_MAX = 2

/**
 * Starts the threads. Signatures are checked off the event loop, which pays about 2 µs an event for the id and 128 packed
 * bytes; calling the library through koffi's own asynchronous calls costs the loop 50 µs an event instead.
 */
export async function createVerifier(options: VerifierOptions = {}): Promise<Verifier> {
  const { implementation = 'auto', libraryNames = LIBRARY_NAMES, pendingMax = PENDING_MAX } = options
  const workers = options.workers ?? Math.min(WORKERS_MAX_DEFAULT, Math.max(1, availableParallelism() - 1))
  const first = await SignatureThread.start({ implementation, libraryNames })
  const choice = { implementation: first.implementation, libraryNames }
  const others = Array.from({ length: workers - 1 }, () => SignatureThread.start(choice))
  return new ThreadedVerifier([first, ...(await Promise.all(others))], first.implementation, pendingMax)
}

class ThreadedVerifier implements Verifier {
  readonly implementation: Implementation
  readonly #threads: readonly SignatureThread[]
  readonly #pendingMax: number
  #queue: Job[] = []
  #pending = 0
  #dispatchScheduled = false
  #ended: FaultError | null = null

  constructor(threads: readonly SignatureThread[], implementation: Implementation, pendingMax: number) {
    this.#threads = threads
    this.implementation = implementation
    this.#pendingMax = pendingMax
    const onEnd = (cause: Error) =>
      this.#end(new FaultError(fatal('internal', 'a verifier thread ended', cause)))
    for (const thread of threads) thread.listen(() => this.#dispatch(), onEnd)
  }

  get pending(): number {
    return this.#pending
  }

  async verify(event: NostrEvent): Promise<boolean> {
    return eventId(event) === event.id && this.verifySignature(event)
  }

  async verifySignature(event: NostrEvent): Promise<boolean> {
    if (this.#ended !== null) throw this.#ended
    if (this.#pending >= this.#pendingMax)
      throw new FaultError(transient('queue-full', `${this.#pendingMax} events wait for verification`))
    if (!isHex64(event.pubkey) || !isHex128(event.sig)) return false
    this.#pending++
    try {
      return await new Promise<boolean>((resolve, reject) => {
        this.#queue.push({ pubkey: event.pubkey, id: event.id, sig: event.sig, resolve, reject })
        this.#scheduleDispatch()
      })
    } finally {
      this.#pending--
    }
  }

  async close(): Promise<void> {
    await this.#end(new FaultError(transient('shutting-down', 'the verifier is closed')))
  }

  /** After the frames that the sockets delivered together, so that they make one batch. */
  #scheduleDispatch(): void {
    if (this.#dispatchScheduled) return
    this.#dispatchScheduled = true
    setImmediate(() => {
      this.#dispatchScheduled = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && this.#ended === null) {
      const thread = this.#threads.reduce((a, b) => (b.batchesInFlight < a.batchesInFlight ? b : a))
      if (thread.batchesInFlight >= BATCHES_IN_FLIGHT_MAX) return
      thread.send(this.#queue.splice(0, BATCH_ITEMS_MAX))
    }
  }

  async #end(reason: FaultError): Promise<void> {
    if (this.#ended !== null) return
    this.#ended = reason
    const unsent = this.#queue.splice(0)
    const unanswered = await Promise.all(this.#threads.map((thread) => thread.end()))
    for (const job of [...unanswered.flat(), ...unsent]) job.reject(reason)
  }
}
