import type { Result } from '@millrace/kernel'
import type { Filter } from '@millrace/nostr'
import type { CurrentVersion, EventReader, ReadContext, ServedEvent, TakeServed } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import type { LogPositions } from '../live/log-positions.ts'
import type { AckedPositions } from './acked-positions.ts'

export interface CausalReaderParts {
  readonly reader: EventReader
  readonly acked: Pick<AckedPositions, 'ahead'>
  /** How far this worker's live reader is. */
  readonly positions: LogPositions
}

/**
 * Read your own writes across the workers of an edge: a REQ that comes after an OK of another worker waits until this one has
 * read the log up to there, a few milliseconds at most; its caller bounds the wait. Whoever publishes never waits for readers.
 */
export class CausalReader implements EventReader {
  readonly #parts: CausalReaderParts

  constructor(parts: CausalReaderParts) {
    this.#parts = parts
  }

  answerNow(filters: readonly Filter[], context: ReadContext, take: TakeServed): boolean {
    return this.#ahead() === null && (this.#parts.reader.answerNow?.(filters, context, take) ?? false)
  }

  async *query(
    filters: readonly Filter[],
    context: ReadContext,
  ): AsyncGenerator<Result<readonly ServedEvent[]>, void, undefined> {
    const { reader, positions } = this.#parts
    const ahead = this.#ahead()
    if (ahead !== null) await positions.reached(TOPICS.events, ahead, context.signal ?? NEVER)
    yield* reader.query(filters, context)
  }

  lookup(ids: readonly string[]): Promise<Result<ReadonlyMap<string, ServedEvent>>> {
    return this.#parts.reader.lookup(ids)
  }

  currentVersions(addresses: readonly string[]): Promise<Result<ReadonlyMap<string, CurrentVersion>>> {
    return this.#parts.reader.currentVersions(addresses)
  }

  #ahead(): ReadonlyMap<number, number> | null {
    const { acked, positions } = this.#parts
    return acked.ahead(positions.of(TOPICS.events))
  }
}

const NEVER = new AbortController().signal
