import { addressKey, addressOf, isGiftWrap, KINDS, type NostrEvent, somePTag } from '@millrace/nostr'

/** Whose bytes are looked for. */
export interface ErasureSubject {
  readonly target:
    | { readonly type: 'event'; readonly id: string }
    /** What a request to vanish reaches: events of the key, and gift wraps to it, with created_at ≤ untilS. */
    | { readonly type: 'pubkey'; readonly pubkey: string; readonly untilS: number }
    /** Versions of an address with created_at ≤ untilS (NIP-09 `a`). */
    | {
        readonly type: 'address'
        readonly kind: number
        readonly pubkey: string
        readonly d: string
        readonly untilS: number
      }
  /** Strings that must not be found either, wherever bytes can be read raw. */
  readonly needles: readonly string[]
}

type Facts = Pick<NostrEvent, 'id' | 'pubkey' | 'kind' | 'created_at' | 'tags'>

/** Whether the event is what the subject wants gone. A request to vanish outlives every vanishing (NIP-62). */
export function isTraceOf({ target }: ErasureSubject, event: Facts): boolean {
  if (target.type === 'event') return event.id === target.id
  if (target.type === 'address') {
    const { kind, pubkey, d, untilS } = target
    return addressOf(event) === addressKey(kind, pubkey, d) && event.created_at <= untilS
  }
  if (event.kind === KINDS.vanish || event.created_at > target.untilS) return false
  const isTheirs = (pubkey: string) => pubkey === target.pubkey
  return isTheirs(event.pubkey) || (isGiftWrap(event.kind) && somePTag(event as NostrEvent, isTheirs))
}
