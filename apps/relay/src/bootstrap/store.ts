import type { Result } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import type { BelowReader, Overlay } from '@millrace/read-models'
import type { ReadWatermarks } from '../live/storage-watermarks.ts'

/** What the edge needs of the store behind its overlay. */
export interface EdgeStore {
  readonly watermarks: ReadWatermarks
  reader(overlay: Overlay, tombstones: TombstoneSet): BelowReader
  /** Hands over every stored event id and every address, in any order, in portions; an abort ends it early. */
  readKeys(sink: KeySink, signal: AbortSignal): Promise<Result<void>>
}

export interface KeySink {
  addId(id: string): void
  addAddress(address: string): void
}
