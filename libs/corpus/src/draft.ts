import { eventId, type NostrEvent } from '@millrace/nostr'
import type { KeyPair } from './signing/key.ts'

/** What a maker decides; who and when come from the world. */
export interface Template {
  readonly kind: number
  readonly content: string
  readonly tags: string[][]
  /** Signs instead of the author: gift wraps and zap receipts are not signed by whom they come from. */
  readonly signer?: KeyPair
}

/** An event whose id is final and whose signature is still to come. */
export interface Draft {
  readonly event: Omit<NostrEvent, 'sig'>
  readonly secretKey: Uint8Array
}

export function draftOf(template: Template, author: KeyPair, createdAtS: number): Draft {
  const { pubkey, secretKey } = template.signer ?? author
  const { kind, content, tags } = template
  const unsigned = { pubkey, created_at: createdAtS, kind, tags, content }
  return { event: { id: eventId(unsigned), ...unsigned }, secretKey }
}
