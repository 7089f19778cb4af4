import type { ClickHouse } from '@millrace/clickhouse'
import { unwrap } from '@millrace/kernel'
import {
  NaiveRelay,
  type NaiveTombstone,
  naiveAddress,
  naiveExpired,
  type SignedEvent,
} from '@millrace/testkit'

// Shared by the tests of the sink: what the views must show, said by the naive relay, and what they do show.

const PRIVATE_KINDS = [4, 13, 14, 15, 1059, 21059]

/** Ids by view, sorted; tags as JSON of [tag, value, id]. */
export interface Shown {
  readonly events: string[]
  readonly current: string[]
  readonly tags: string[]
}

export function expectedOf(
  events: readonly SignedEvent[],
  tombstones: readonly NaiveTombstone[],
  nowS = Math.floor(Date.now() / 1000),
): Shown {
  const distinct = [...new Map(events.map((event) => [event.id, event])).values()]
  const current = relayWith(distinct, tombstones).visible(nowS).filter(isPublic)
  const alive = distinct.filter(
    (event) =>
      relayWith([event], tombstones).visible(nowS).some(isPublic) &&
      !distinct.some((other) => holdsDownExpired(other, event, tombstones, nowS)),
  )
  const tagged = alive.filter((event) => event.kind !== 3 || current.some(({ id }) => id === event.id))
  return {
    events: idsOf(alive),
    current: idsOf(current),
    tags: [...new Set(tagged.flatMap(tagLines))].sort(),
  }
}

/** Oldest versions first, so that the model, which refuses older versions, takes them all. */
function relayWith(events: readonly SignedEvent[], tombstones: readonly NaiveTombstone[]): NaiveRelay {
  const relay = new NaiveRelay()
  const oldestFirst = events.toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? 1 : -1))
  for (const event of oldestFirst) relay.admit(event, 0, new Set([event.pubkey]))
  for (const tombstone of tombstones) relay.tombstone(tombstone)
  return relay
}

/** Whether `other` expired and left its address a floor that `event` lies below (DESIGN 2.5). An erased one leaves none. */
const holdsDownExpired = (
  other: SignedEvent,
  event: SignedEvent,
  tombstones: readonly NaiveTombstone[],
  nowS: number,
): boolean =>
  naiveAddress(event) !== '' &&
  naiveAddress(other) === naiveAddress(event) &&
  naiveExpired(other, nowS) &&
  !NaiveRelay.isErased(tombstones, other) &&
  (other.created_at > event.created_at || (other.created_at === event.created_at && other.id < event.id))

const isPublic = (event: SignedEvent): boolean => !PRIVATE_KINDS.includes(event.kind)
const idsOf = (events: readonly SignedEvent[]): string[] => events.map(({ id }) => id).sort()

const tagLines = ({ id, tags }: SignedEvent): string[] =>
  tags.flatMap(([name = '', value]) =>
    value !== undefined && /^[a-zA-Z]$/.test(name) ? [JSON.stringify([name, value, id])] : [],
  )

/** What the documented views show now. */
export async function shownBy(ch: ClickHouse): Promise<Shown> {
  const ids = async (view: string) =>
    unwrap(await ch.query<{ id: string }>(`SELECT id FROM ${view} ORDER BY id`)).map(({ id }) => id)
  const tags = unwrap(
    await ch.query<{ tag: string; value: string; id: string }>('SELECT tag, value, id FROM nostr.event_tags'),
  )
  return {
    events: await ids('nostr.events'),
    current: await ids('nostr.events_current'),
    tags: tags.map(({ tag, value, id }) => JSON.stringify([tag, value, id])).sort(),
  }
}
