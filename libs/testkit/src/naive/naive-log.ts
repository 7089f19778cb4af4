import type { SignedEvent } from '../signer.ts'
import {
  isWrap,
  naiveAddress,
  naiveClass,
  naiveExpired,
  servedFirst,
  taggedKeys,
  tagValues,
} from './naive-rules.ts'

export interface NaiveLogRules {
  readonly relayUrls: readonly string[]
  readonly nowS: number
}

/** What is left of a log of events that nobody has checked: imports and late edges bring erased events too. */
export interface NaiveRemains {
  /** Neither erased nor at or below a floor; superseded versions included. */
  readonly kept: readonly SignedEvent[]
  /** What readers are shown. */
  readonly visible: readonly SignedEvent[]
}

/**
 * The whole of deletion, vanishing and expiration as a few questions about a set of events: the order in which they came, and how often,
 * never matters, because compaction changes both.
 */
export function naiveRemains(events: readonly SignedEvent[], rules: NaiveLogRules): NaiveRemains {
  const all = [...new Map(events.map((event) => [event.id, event])).values()]
  const requests = all.filter((event) => isRequest(event, rules))
  const stored = all.filter((event) => naiveClass(event.kind) !== 'ephemeral')
  const isErased = (event: SignedEvent) =>
    naiveExpired(event, rules.nowS) || requests.some((request) => asksFor(request, event))
  const floors = stored.filter(
    (event) =>
      naiveAddress(event) !== '' &&
      (naiveExpired(event, rules.nowS) || requests.some((request) => deletesOwnVersion(request, event))),
  )
  const isHeldDown = (event: SignedEvent) =>
    naiveAddress(event) !== '' &&
    floors.some((floor) => naiveAddress(floor) === naiveAddress(event) && servedFirst(floor, event) <= 0)
  const kept = stored.filter((event) => !isErased(event) && !isHeldDown(event))
  const visible = kept.filter((event) => {
    const address = naiveAddress(event)
    return (
      address === '' ||
      !kept.some((other) => naiveAddress(other) === address && servedFirst(other, event) < 0)
    )
  })
  return { kept: kept.sort(servedFirst), visible: visible.sort(servedFirst) }
}

/** Whether the event is a request that means this relay. A deletion counts whatever became of it: its author has vanished, say. */
function isRequest(event: SignedEvent, { relayUrls }: NaiveLogRules): boolean {
  const named = tagValues(event, 'relay')
  if (event.kind === 62) return named.includes('ALL_RELAYS') || named.some((url) => relayUrls.includes(url))
  return event.kind === 5
}

/** Whether this one request erases this one event. */
function asksFor(request: SignedEvent, event: SignedEvent): boolean {
  const owners = isWrap(event) ? [event.pubkey, ...taggedKeys(event)] : [event.pubkey]
  if (request.kind === 62)
    return event.kind !== 62 && owners.includes(request.pubkey) && event.created_at <= request.created_at
  if (event.kind === 5 || event.kind === 62) return false
  if (tagValues(request, 'e').includes(event.id) && owners.includes(request.pubkey)) return true
  return (
    event.pubkey === request.pubkey &&
    naiveAddress(event) !== '' &&
    tagValues(request, 'a').includes(naiveAddress(event)) &&
    event.created_at <= request.created_at
  )
}

/** Whether the request names this version of its author's by its id: then nothing older comes back. */
const deletesOwnVersion = (request: SignedEvent, event: SignedEvent): boolean =>
  request.kind === 5 && request.pubkey === event.pubkey && tagValues(request, 'e').includes(event.id)
