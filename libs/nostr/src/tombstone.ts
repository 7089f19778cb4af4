/** What a tombstone erases. */
export type TombstoneTarget =
  | { readonly type: 'event'; readonly id: string }
  /** Versions of an address with created_at ≤ untilS (NIP-09 `a`). */
  | {
      readonly type: 'address'
      readonly kind: number
      readonly pubkey: string
      readonly d: string
      readonly untilS: number
    }
  /** Everything owned by a key with created_at ≤ untilS (NIP-62). */
  | { readonly type: 'pubkey'; readonly pubkey: string; readonly untilS: number }

/** The floor that an erasure leaves at an address: nothing at or below (createdAt, id) is shown or accepted again. */
export interface Floor {
  readonly kind: number
  readonly pubkey: string
  readonly d: string
  readonly createdAt: number
  /** Tie-break of the winner rule: lower ids win, so at equal createdAt ids ≥ this one are at or below the floor; null = all ids. */
  readonly id: string | null
}

/** One author-bound erasure: it takes effect only on what `author` owns. */
export interface Tombstone {
  readonly author: string
  /** The id of the kind 5 or 62, or of the administrative act, that asked for it. */
  readonly requestId: string
  readonly requestCreatedAt: number
  readonly target: TombstoneTarget
  readonly floor: Floor | null
  readonly reason: 'deletion' | 'vanish' | 'expiration' | 'admin'
  /** When the deletion consumer wrote it, milliseconds since the Unix epoch. */
  readonly recordedAtMs: number
}
