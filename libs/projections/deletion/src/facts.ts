import {
  dTagOf,
  expirationOf,
  type FloorFacts,
  isGiftWrap,
  isHex64,
  kindClass,
  type NostrEvent,
} from '@millrace/nostr'

/** What the deletion consumer keeps of an event: whose it is, where it lies and when it is due; never its content, tags or signature. */
export interface EventFacts {
  /** 64 lowercase hex characters. */
  readonly id: string
  readonly pubkey: string
  readonly kind: number
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  readonly partition: number
  readonly offset: number
  /** The broker's LogAppendTime, seconds since the Unix epoch. */
  readonly appendedAtS: number
  /** The `d` of a version's address, which the floor of its erasure names; null for kinds without versions. */
  readonly d: string | null
  /** The keys that a gift wrap p-tags (NIP-59); empty for every other kind. */
  readonly recipients: readonly string[]
  /** NIP-40, seconds since the Unix epoch. */
  readonly expirationS: number | null
}

export interface Place {
  readonly partition: number
  readonly offset: number
  readonly appendedAtMs: number
}

export function factsOf(event: NostrEvent, { partition, offset, appendedAtMs }: Place): EventFacts {
  const { id, pubkey, kind, created_at: createdAt } = event
  return {
    id,
    pubkey,
    kind,
    createdAt,
    partition,
    offset,
    appendedAtS: Math.floor(appendedAtMs / 1000),
    d: dOf(event),
    recipients: isGiftWrap(kind) ? recipientsOf(event) : [],
    expirationS: expirationOf(event),
  }
}

function dOf(event: NostrEvent): string | null {
  const versions = kindClass(event.kind)
  return versions === 'addressable' ? dTagOf(event) : versions === 'replaceable' ? '' : null
}

const recipientsOf = ({ tags }: NostrEvent): readonly string[] => [
  ...new Set(tags.flatMap(([name, value]) => (name === 'p' && isHex64(value) ? [value] : []))),
]

/** As much of the event as tombstones and floors look at. */
export const eventOfFacts = ({ id, pubkey, kind, createdAt, d, recipients }: EventFacts): FloorFacts => ({
  id,
  pubkey,
  kind,
  created_at: createdAt,
  tags: [...(d === null || d === '' ? [] : [['d', d]]), ...recipients.map((pubkey) => ['p', pubkey])],
})

type Body = readonly [
  kind: number,
  partition: number,
  offset: number,
  appendedAtS: number,
  d: string | null,
  recipients: readonly string[],
  expirationS: number | null,
]

/** The value beside a key that holds the rest: pubkey, createdAt and id. */
export function encodeFacts(facts: EventFacts): Buffer {
  const { kind, partition, offset, appendedAtS, d, recipients, expirationS } = facts
  const body: Body = [kind, partition, offset, appendedAtS, d, recipients, expirationS]
  return Buffer.from(JSON.stringify(body))
}

export function decodeFacts(key: Pick<EventFacts, 'id' | 'pubkey' | 'createdAt'>, value: Buffer): EventFacts {
  const body = JSON.parse(value.toString()) as Body
  const [kind, partition, offset, appendedAtS, d, recipients, expirationS] = body
  return { ...key, kind, partition, offset, appendedAtS, d, recipients, expirationS }
}
