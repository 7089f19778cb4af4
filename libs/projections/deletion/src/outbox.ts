import { decodeTombstone, encodeTombstone } from '@millrace/codec'
import { assertNever, type Result, unwrap } from '@millrace/kernel'
import type { Tombstone } from '@millrace/nostr'

/** A record that the state has decided to append. It is sent after the transaction, and again after a crash. */
export type Outgoing =
  | { readonly type: 'tombstone'; readonly tombstone: Tombstone; readonly isRequested: boolean }
  /** A null over an event of nostr.events; `offset` is where the event lies. */
  | {
      readonly type: 'event-null'
      readonly id: string
      readonly partition: number
      readonly offset: number
      /** Of the kind 5 or 62 that asked for it; null: nobody did. */
      readonly requestId: string | null
    }
  /** A null over a dead letter, by its record key. */
  | { readonly type: 'letter-null'; readonly key: string }

interface Body {
  readonly t: 'tombstone' | 'event-null' | 'letter-null'
  readonly v?: string
  readonly r?: string | boolean | null
  readonly i?: string
  readonly p?: number
  readonly o?: number
}

export function encodeOutgoing(outgoing: Outgoing): Buffer {
  return Buffer.from(JSON.stringify(bodyOf(outgoing)))
}

function bodyOf(outgoing: Outgoing): Body {
  switch (outgoing.type) {
    case 'tombstone':
      return {
        t: 'tombstone',
        v: encodeTombstone(outgoing.tombstone).toString('base64'),
        r: outgoing.isRequested,
      }
    case 'event-null': {
      const { id, partition, offset, requestId } = outgoing
      return { t: 'event-null', i: id, p: partition, o: offset, r: requestId }
    }
    case 'letter-null':
      return { t: 'letter-null', i: outgoing.key }
    default:
      return assertNever(outgoing)
  }
}

export function decodeOutgoing(value: Buffer): Outgoing {
  const { t, v = '', r = null, i = '', p = 0, o = 0 } = JSON.parse(value.toString()) as Body
  if (t === 'tombstone') {
    const tombstone: Result<Tombstone> = decodeTombstone(Buffer.from(v, 'base64'))
    return { type: t, tombstone: unwrap(tombstone), isRequested: r === true }
  }
  if (t === 'letter-null') return { type: t, key: i }
  return { type: t, id: i, partition: p, offset: o, requestId: typeof r === 'string' ? r : null }
}
