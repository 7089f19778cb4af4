import type { Result } from '@millrace/kernel'
import type { Tombstone } from '@millrace/nostr'
import type { ErasureSubject } from './subject.ts'

/** Something of the subject that is still there. Says where, never what: event content is not printed. */
export interface Trace {
  /** Name of the store. */
  readonly store: string
  /** A file, `topic:partition:offset`, a table or a part of it. */
  readonly place: string
  /** What kind of trace: `record`, `row`, `part not removed yet`, `bytes in a free page`. */
  readonly what: string
}

export interface Verification {
  /** At most `TRACES_MAX`. */
  readonly traces: readonly Trace[]
  /** What was looked through, with its count and unit: `12 segment files, 48213 records`. */
  readonly examined: string
  /** Why the store could not be looked through (its disks are elsewhere); null: it was, whole. */
  readonly notVerifiable: string | null
}

/** Traces told of one store: the first ones tell where to look. */
export const TRACES_MAX = 100

/**
 * A store of event data. What is erased is gone for readers when `erase` answers, and physically by the erasure deadline; `verify`
 * tells whether it is. Whatever holds event data is claimed by one registered store, or verification fails (`StoreRegistry`).
 */
export interface ErasableStore {
  readonly name: string
  /** Whether it answers for a place, as `topic:<name>`, `table:<database>.<name>` or `folder:<path below the data folder>`. */
  claims(place: string): boolean
  /** Takes out what the tombstones cover; idempotent, durable for readers when it answers ok. */
  erase(tombstones: readonly Tombstone[]): Promise<Result<void>>
  /** Looks through everything that is physically there: files, free pages, parts and segments that are about to be removed. */
  verify(subject: ErasureSubject): Promise<Result<Verification>>
  /** Since when the oldest thing that is erased for readers has been physically there, milliseconds since the Unix epoch; null: nothing is. */
  oldestTraceMs(): Promise<Result<number | null>>
}
