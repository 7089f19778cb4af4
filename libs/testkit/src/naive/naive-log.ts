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
 * The whole of deletion, vanishing and expiration as a few questions about a set of events. The order in which they came matters in
 * one place only: what a key asked for before it vanished stays asked for, and what comes after and is dated before it does not.
 *
 * @param partitions the events of each partition in log order; all of one author are in one of them, as far as they matter to each other
 */
export function naiveRemains(
  partitions: readonly (readonly SignedEvent[])[],
  rules: NaiveLogRules,
): NaiveRemains {
  const requests = partitions.flatMap((events) => effectiveRequests(events, rules))
  const all = [...new Map(partitions.flat().map((event) => [event.id, event])).values()]
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

/** The kinds 5 and 62 of one partition that take effect. */
function effectiveRequests(events: readonly SignedEvent[], { relayUrls }: NaiveLogRules): SignedEvent[] {
  const effective: SignedEvent[] = []
  for (const event of events) {
    if (event.kind === 62) {
      const named = tagValues(event, 'relay')
      if (named.includes('ALL_RELAYS') || named.some((url) => relayUrls.includes(url))) effective.push(event)
    }
    const hasVanished = effective.some(
      (earlier) =>
        earlier.kind === 62 && earlier.pubkey === event.pubkey && event.created_at <= earlier.created_at,
    )
    if (event.kind === 5 && !hasVanished) effective.push(event)
  }
  return effective
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
