import { decodeTombstone } from '@millrace/codec'
import type { ErasureSubject } from '@millrace/erasure'
import type { Log } from '@millrace/kafka'
import type { Tombstone } from '@millrace/nostr'
import { isTickKey, TOPICS } from '@millrace/topics'

type Target = ErasureSubject['target']

/** What is to be looked for, and what is known of who asked for it. */
export interface Sought {
  readonly targets: readonly Target[]
  /** One sentence for people. */
  readonly because: string
}

/**
 * What an id or a pubkey stands for: the targets of a request, an erased event, or what a vanished key wrote. What nobody asked to
 * erase is looked for all the same, under both meanings, so that it can be seen what there is.
 */
export async function soughtOf(log: Log, name: string, nowS: number): Promise<Sought> {
  const tombstones = await tombstonesNaming(log, name)
  const ofRequest = tombstones.filter(({ requestId }) => requestId === name)
  if (ofRequest.length > 0)
    return {
      targets: ofRequest.map(targetOf),
      because: `what a request with ${ofRequest.length} targets names`,
    }
  if (tombstones.some(({ target }) => target.type === 'event' && target.id === name))
    return { targets: [{ type: 'event', id: name }], because: 'an erased event' }
  const untilS = Math.max(
    ...tombstones.flatMap(({ target }) => (target.type === 'pubkey' ? [target.untilS] : [])),
  )
  if (Number.isFinite(untilS))
    return {
      targets: [{ type: 'pubkey', pubkey: name, untilS }],
      because: `a key that vanished, up to created_at ${untilS}`,
    }
  return {
    targets: [
      { type: 'event', id: name },
      { type: 'pubkey', pubkey: name, untilS: nowS },
    ],
    because: 'an event or a key that no tombstone names',
  }
}

async function tombstonesNaming(log: Log, name: string): Promise<readonly Tombstone[]> {
  const found: Tombstone[] = []
  await log.readToEnd(TOPICS.tombstones, ({ records }) => {
    for (const { key, value } of records) {
      if (value === null || isTickKey(key) || !key?.includes(name)) continue
      const tombstone = decodeTombstone(value)
      if (tombstone.ok && names(tombstone.value, name)) found.push(tombstone.value)
    }
  })
  return found
}

function names({ requestId, target }: Tombstone, name: string): boolean {
  if (requestId === name) return true
  if (target.type === 'event') return target.id === name
  return target.type === 'pubkey' && target.pubkey === name
}

function targetOf({ target }: Tombstone): Target {
  return target
}
