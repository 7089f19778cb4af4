import type { Result } from '@millrace/kernel'
import {
  deletionTargets,
  type FloorFacts,
  isGiftWrap,
  isHex64,
  KINDS,
  type NostrEvent,
  parseAddress,
  somePTag,
} from '@millrace/nostr'
import type { ServedEvent } from '@millrace/read-models'
import type { KnownTargets } from '../live/live-requests.ts'

const TARGETS_PER_LOOKUP_MAX = 1_000

export interface RequestTargetsParts {
  readonly lookup: (ids: readonly string[]) => Promise<Result<ReadonlyMap<string, ServedEvent>>>
  /** Longest wait for the store, milliseconds. */
  readonly lookupTimeoutMs: number
}

/** Finds the events that kinds 5 name; what is not found in time counts as unknown. */
export class RequestTargets {
  readonly #parts: RequestTargetsParts

  constructor(parts: RequestTargetsParts) {
    this.#parts = parts
  }

  readonly find = async (requests: readonly NostrEvent[]): Promise<KnownTargets> => {
    const ids = new Set<string>()
    for (const request of requests)
      if (request.kind === KINDS.deletion)
        for (const target of deletionTargets(request)) if (target.type === 'event') ids.add(target.id)
    const found = new Map<string, FloorFacts>()
    const wanted = [...ids]
    for (let from = 0; from < wanted.length; from += TARGETS_PER_LOOKUP_MAX) {
      const answer = await this.#inTime(this.#parts.lookup(wanted.slice(from, from + TARGETS_PER_LOOKUP_MAX)))
      if (!answer?.ok) break
      for (const [id, { json }] of answer.value) found.set(id, JSON.parse(json) as FloorFacts)
    }
    return found
  }

  async #inTime<T>(answer: Promise<T>): Promise<T | null> {
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), this.#parts.lookupTimeoutMs)
    })
    try {
      return await Promise.race([answer, tooLate])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Whether everything that the request names and that is known belongs to others, and something does (NIP-09). */
export function namesOnlyOthers(request: NostrEvent, known: KnownTargets): boolean {
  let others = 0
  for (const [name, value] of request.tags) {
    if (value === undefined) continue
    if (name === 'e' && isHex64(value)) {
      const target = known.get(value)
      if (target === undefined) continue
      if (isTheirs(target, request.pubkey)) return false
      others++
    }
    const address = name === 'a' ? parseAddress(value) : null
    if (address === null) continue
    if (address.pubkey === request.pubkey) return false
    others++
  }
  return others > 0
}

const isTheirs = (target: FloorFacts, pubkey: string): boolean =>
  target.pubkey === pubkey ||
  (isGiftWrap(target.kind) && somePTag(target, (recipient) => recipient === pubkey))
