export type { Envelope, NostrEvent, Receipt } from './event.ts'
export type { Floor, Tombstone, TombstoneTarget } from './tombstone.ts'
