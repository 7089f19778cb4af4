import { deletionTargets, floorLeftBy, vanishTarget } from './deletion.ts'
import type { NostrEvent } from './event.ts'
import { KINDS } from './kinds.ts'
import type { Floor, Tombstone } from './tombstone.ts'

/** What is needed of an event to tell the floor that its erasure leaves. */
export type FloorFacts = Pick<NostrEvent, 'id' | 'pubkey' | 'kind' | 'created_at' | 'tags'>

export interface RequestContext {
  /** Under which a request to vanish means this relay. */
  readonly relayUrls: readonly string[]
  /** An event that is known here, by its id; undefined: unknown. */
  readonly find: (id: string) => FloorFacts | undefined
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number
}

/** Whether an event asks for erasures: a kind 5 (NIP-09) or 62 (NIP-62). */
export const isErasureRequest = (kind: number): boolean => kind === KINDS.deletion || kind === KINDS.vanish

/**
 * The tombstones that a kind 5 or 62 asks for, bound to its author. Deleting by `e` leaves a floor where the target is a known
 * version of the author's (DESIGN 2.5). Empty for a vanish that means other relays and for every other kind.
 */
export function tombstonesOf(request: NostrEvent, context: RequestContext): readonly Tombstone[] {
  const base = {
    author: request.pubkey,
    requestId: request.id,
    requestCreatedAt: request.created_at,
    recordedAtMs: context.nowMs,
  }
  if (request.kind === KINDS.vanish) {
    const target = vanishTarget(request, context.relayUrls)
    return target === null ? [] : [{ ...base, target, floor: null, reason: 'vanish' }]
  }
  if (request.kind !== KINDS.deletion) return []
  return deletionTargets(request).map((target) => ({
    ...base,
    target,
    floor: target.type === 'event' ? floorOfOwn(context.find(target.id), request.pubkey) : null,
    reason: 'deletion' as const,
  }))
}

/** The tombstone of an event whose time has come (NIP-40), and the floor that it leaves. */
export const tombstoneOfExpired = (event: FloorFacts, nowMs: number): Tombstone =>
  tombstoneOfOne(event, 'expiration', nowMs)

/** The tombstone of an event that a retention policy or an administrator takes out. */
export const tombstoneOfRetired = (event: FloorFacts, nowMs: number): Tombstone =>
  tombstoneOfOne(event, 'admin', nowMs)

/** Nobody sent a request: the event stands for it, so that doing it again writes the same key. */
const tombstoneOfOne = (event: FloorFacts, reason: Tombstone['reason'], nowMs: number): Tombstone => ({
  author: event.pubkey,
  requestId: event.id,
  requestCreatedAt: event.created_at,
  target: { type: 'event', id: event.id },
  floor: floorLeftBy(event),
  reason,
  recordedAtMs: nowMs,
})

function floorOfOwn(target: FloorFacts | undefined, author: string): Floor | null {
  return target?.pubkey === author ? floorLeftBy(target) : null
}
