import type { ClickHouse } from '@millrace/clickhouse'
import { ok, type Result } from '@millrace/kernel'
import { LRUCache } from 'lru-cache'
import { Gather } from '../gather.ts'
import { findBodies, readBodies } from './body-sql.ts'
import type { EventBody, EventKey } from './event-body.ts'

export interface EventBodiesLimits {
  /** Estimated heap bytes of cached events. */
  readonly bodyCacheBytesMax: number
  /** Statements under way at once. */
  readonly statementsMax: number
  /** Events in one statement; more than that is read in several. */
  readonly statementEventsMax: number
  readonly readsWaitingMax: number
}

/** Ids in one statement that has no keys: past it the index on ids rules out little. */
const FIND_IDS_MAX = 200
// Objects, map slots and two hex strings beside the JSON; measured on Node 24.
const BODY_BYTES_ESTIMATE = 500

/**
 * Events by key, the recently used ones from memory. What is in here says nothing about visibility: that is decided for
 * every query by the store's keys, the overlay and the tombstones. Everything in here is durable.
 */
export class EventBodies {
  readonly #cache: LRUCache<string, EventBody>
  readonly #reads: Gather<readonly EventKey[], ReadonlyMap<string, EventBody>>
  readonly #finds: Gather<readonly string[], ReadonlyMap<string, EventBody>>

  constructor(ch: ClickHouse, limits: EventBodiesLimits) {
    this.#cache = new LRUCache({
      maxSize: limits.bodyCacheBytesMax,
      // V8 keeps text outside Latin-1 in two bytes a character.
      sizeCalculation: ({ json }) => BODY_BYTES_ESTIMATE + 2 * json.length,
    })
    const { statementsMax, statementEventsMax, readsWaitingMax } = limits
    this.#reads = new Gather(
      (questions, signal) => together(questions, distinctKeys, (keys) => readBodies(ch, keys, signal)),
      { runningMax: statementsMax, batchWeightMax: statementEventsMax, waitingMax: readsWaitingMax },
    )
    this.#finds = new Gather(
      (questions, signal) => together(questions, distinct, (ids) => findBodies(ch, ids, signal)),
      { runningMax: 1, batchWeightMax: FIND_IDS_MAX, waitingMax: readsWaitingMax },
    )
  }

  /** The event if it is in memory. */
  get(id: string): EventBody | undefined {
    return this.#cache.get(id)
  }

  put(body: EventBody): void {
    this.#cache.set(body.id, body)
  }

  /** The events at these keys; keys that the store has no row for are missing. */
  async read(
    keys: readonly EventKey[],
    signal: AbortSignal,
  ): Promise<Result<ReadonlyMap<string, EventBody>>> {
    return this.#withCache(
      keys,
      (key) => key.id,
      (missing) => this.#reads.ask(missing, missing.length, signal),
    )
  }

  /** The events with these ids, wherever they lie; ids that the store does not know are missing. */
  async find(ids: readonly string[], signal: AbortSignal): Promise<Result<ReadonlyMap<string, EventBody>>> {
    return this.#withCache(
      ids,
      (id) => id,
      (missing) => this.#finds.ask(missing, missing.length, signal),
    )
  }

  async #withCache<Q>(
    wanted: readonly Q[],
    idOf: (question: Q) => string,
    ask: (missing: readonly Q[]) => Promise<Result<ReadonlyMap<string, EventBody>>>,
  ): Promise<Result<ReadonlyMap<string, EventBody>>> {
    const found = new Map<string, EventBody>()
    const missing: Q[] = []
    for (const question of wanted) {
      const body = this.#cache.get(idOf(question))
      if (body === undefined) missing.push(question)
      else found.set(body.id, body)
    }
    if (missing.length === 0) return ok(found)
    const read = await ask(missing)
    if (!read.ok) return read
    for (const question of missing) {
      const body = read.value.get(idOf(question))
      if (body === undefined) continue
      found.set(body.id, body)
      this.put(body)
    }
    return ok(found)
  }
}

async function together<Q>(
  questions: readonly (readonly Q[])[],
  merge: (questions: readonly Q[]) => readonly Q[],
  read: (merged: readonly Q[]) => Promise<Result<EventBody[]>>,
): Promise<Result<readonly ReadonlyMap<string, EventBody>[]>> {
  const bodies = await read(merge(questions.flat()))
  if (!bodies.ok) return bodies
  const byId = new Map(bodies.value.map((body) => [body.id, body]))
  return ok(questions.map(() => byId))
}

const distinct = (ids: readonly string[]): string[] => [...new Set(ids)]

const distinctKeys = (keys: readonly EventKey[]): EventKey[] => [
  ...new Map(keys.map((key) => [key.id, key])).values(),
]
