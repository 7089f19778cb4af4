import * as fc from 'fast-check'
import { arbitraryAuthor, arbitraryCreatedAt } from './arbitrary-event.ts'
import { naiveAddress } from './naive/naive-rules.ts'
import { floorAt, type NaiveTombstone } from './naive/naive-tombstones.ts'
import type { SignedEvent } from './signer.ts'

/**
 * Tombstones aimed at the given events, with right and wrong authors, with and without floors: what a right writer
 * writes and what a wrong one might.
 */
export function arbitraryTombstone(events: readonly SignedEvent[]): fc.Arbitrary<NaiveTombstone> {
  if (events.length === 0) throw new Error('no events to aim at')
  return fc
    .record({
      aim: fc.constantFrom(...events),
      author: fc.option(arbitraryAuthor, { nil: null, freq: 2 }),
      type: fc.constantFrom('event' as const, 'address' as const, 'pubkey' as const),
      untilS: arbitraryCreatedAt,
      floored: fc.boolean(),
      floorAllIds: fc.boolean(),
      reason: fc.constantFrom(
        'deletion' as const,
        'vanish' as const,
        'expiration' as const,
        'admin' as const,
      ),
      requestId: fc.constantFrom(...events.map(({ id }) => id)),
    })
    .map(({ aim, author, type, untilS, floored, floorAllIds, reason, requestId }): NaiveTombstone => {
      const floor = floored ? floorAt(aim) : null
      return {
        author: author ?? aim.pubkey,
        requestId,
        requestCreatedAt: untilS,
        target: targetOf(type, aim, untilS),
        floor: floor !== null && floorAllIds ? { ...floor, id: null } : floor,
        reason,
        recordedAtMs: untilS * 1000,
      }
    })
}

function targetOf(
  type: NaiveTombstone['target']['type'],
  aim: SignedEvent,
  untilS: number,
): NaiveTombstone['target'] {
  if (type === 'event') return { type, id: aim.id }
  if (type === 'pubkey') return { type, pubkey: aim.pubkey, untilS }
  const d = naiveAddress(aim).split(':').slice(2).join(':')
  return { type, kind: aim.kind, pubkey: aim.pubkey, d, untilS }
}
