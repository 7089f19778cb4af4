import { encodeTombstone, tombstoneKey } from '@millrace/codec'
import type { LogProducer, OutgoingRecord, Placement } from '@millrace/kafka'
import { assertNever, type Clock, err, ok, type Result } from '@millrace/kernel'
import type { Metrics } from '@millrace/observability'
import { Turns } from '@millrace/pipeline'
import type { Appended, DeletionState, Outgoing } from '@millrace/projection-deletion'
import { partitionOfOwner, TOPICS } from '@millrace/topics'

export interface OutboxSenderParts {
  readonly state: DeletionState
  readonly producer: Pick<LogProducer, 'append'>
  /** N of DESIGN 2.3. */
  readonly partitionCount: number
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'count'>
}

/** Records of one round, and events taken out between two rounds: what one transaction and one wait for Kafka cover. */
const RECORDS_PER_ROUND_MAX = 2_000

/**
 * Appends what the state has decided, in order of decision: tombstones before the nulls of one round, since a null alone erases from
 * nobody's store. A record may be appended twice after a crash, with the same key and meaning.
 */
export class OutboxSender {
  readonly #parts: OutboxSenderParts
  readonly #turns = new Turns()

  constructor(parts: OutboxSenderParts) {
    this.#parts = parts
  }

  /** Ok once nothing is left to append. Faults are those of LogProducer.append: what was not sent is sent next time. */
  flush(): Promise<Result<void>> {
    return this.#turns.take(() => this.#flush())
  }

  async #flush(): Promise<Result<void>> {
    const { state } = this.#parts
    for (;;) {
      const isMore = state.foldErasures(RECORDS_PER_ROUND_MAX)
      const round = state.outgoing(RECORDS_PER_ROUND_MAX)
      if (round.length === 0 && !isMore) return ok(undefined)
      const sent = await this.#send(round)
      if (!sent.ok) return sent
    }
  }

  async #send(round: ReturnType<DeletionState['outgoing']>): Promise<Result<void>> {
    const { state, clock } = this.#parts
    const noted = new Noted()
    for (const isTombstone of [true, false]) {
      const part = newestOfKey(
        round.filter(({ outgoing }) => (outgoing.type === 'tombstone') === isTombstone),
      )
      const results = await Promise.all(part.map(({ outgoing }) => this.#append(outgoing)))
      for (const [index, result] of results.entries()) {
        if (!result.ok) return err(result.fault)
        noted.add((part[index] as (typeof part)[number]).outgoing, result.value)
      }
    }
    state.sent(
      round.map(({ number }) => number),
      noted.appended(),
      clock.nowMs(),
    )
    return ok(undefined)
  }

  #append(outgoing: Outgoing): Promise<Result<Placement>> {
    const { producer, metrics } = this.#parts
    metrics.count('deletion_records_appended_total', { record: outgoing.type })
    return producer.append(this.#recordOf(outgoing))
  }

  #recordOf(outgoing: Outgoing): OutgoingRecord {
    switch (outgoing.type) {
      case 'tombstone': {
        const { tombstone } = outgoing
        return {
          topic: TOPICS.tombstones,
          partition: partitionOfOwner(tombstone.author, this.#parts.partitionCount),
          key: tombstoneKey(tombstone),
          value: encodeTombstone(tombstone),
        }
      }
      case 'event-null':
        return { topic: TOPICS.events, partition: outgoing.partition, key: outgoing.id, value: null }
      case 'letter-null':
        return { topic: TOPICS.deadLetters, partition: 0, key: outgoing.key, value: null }
      default:
        return assertNever(outgoing)
    }
  }
}

type Numbered = ReturnType<DeletionState['outgoing']>[number]

/**
 * Of several tombstones with one key only the last: a round is sent again as a whole when part of it failed, and a tombstone
 * without its floor must not come after the same one with it.
 */
function newestOfKey(round: readonly Numbered[]): readonly Numbered[] {
  const newest = new Map<string, Numbered>()
  for (const one of round) {
    const { outgoing, number } = one
    newest.set(outgoing.type === 'tombstone' ? tombstoneKey(outgoing.tombstone) : String(number), one)
  }
  return [...newest.values()]
}

interface Tally {
  readonly tombstones: Map<number, number>
  readonly nulls: Map<number, number>
  readonly probes: Map<number, number>
  erasedEvents: number
}

/** What the ledger is told of one round. */
class Noted {
  readonly #byRequest = new Map<string, Tally>()

  add(outgoing: Outgoing, { partition, offset }: Placement): void {
    if (outgoing.type === 'tombstone') {
      if (outgoing.isRequested) raise(this.#of(outgoing.tombstone.requestId).tombstones, partition, offset)
    } else if (outgoing.type === 'event-null' && outgoing.requestId !== null) {
      const tally = this.#of(outgoing.requestId)
      tally.erasedEvents++
      raise(tally.nulls, partition, offset)
      raise(tally.probes, partition, outgoing.offset)
    }
  }

  appended(): readonly Appended[] {
    return [...this.#byRequest].map(([requestId, tally]) => ({ requestId, ...tally }))
  }

  #of(requestId: string): Tally {
    const known = this.#byRequest.get(requestId)
    if (known !== undefined) return known
    const tally: Tally = { tombstones: new Map(), nulls: new Map(), probes: new Map(), erasedEvents: 0 }
    this.#byRequest.set(requestId, tally)
    return tally
  }
}

const raise = (offsets: Map<number, number>, partition: number, offset: number): void =>
  void offsets.set(partition, Math.max(offsets.get(partition) ?? -1, offset))
