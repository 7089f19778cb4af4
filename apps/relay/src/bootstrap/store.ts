import type { Result } from '@millrace/kernel'
import type { TombstoneSet } from '@millrace/nostr'
import type { Address, BelowReader, Overlay, Position, ServedEvent } from '@millrace/read-models'
import type { ReadWatermarks } from '../live/storage-watermarks.ts'

/** What the edge needs of the store behind its overlay. */
export interface EdgeStore {
  readonly watermarks: ReadWatermarks
  reader(overlay: Overlay, tombstones: TombstoneSet): BelowReader
  /** Versions of an address older than a position, newest first, superseded ones too; a page, empty when there are no more. */
  olderVersions(address: Address, before: Position): Promise<Result<readonly ServedEvent[]>>
  /** Hands over every stored event id and every address, in any order, in portions; an abort ends it early. */
  readKeys(sink: KeySink, signal: AbortSignal): Promise<Result<void>>
}

export interface KeySink {
  addId(id: string): void
  addAddress(address: string): void
}
