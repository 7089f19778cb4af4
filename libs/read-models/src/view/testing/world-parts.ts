import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LoggedEvent, LogPlace, Settlement, ViewBounds, ViewReader } from '@millrace/event-store'
import { ok } from '@millrace/kernel'
import { addressKey, addressOf, compareServed } from '@millrace/nostr'
import type { ServedEvent } from '../../event-reader.ts'
import { Overlay } from '../../overlay/overlay.ts'
import type { Position } from '../../position.ts'
import type { Address } from '../../sql/statement.ts'
import { Doubts } from '../doubts.ts'
import { below, type NaiveHistory, type Random } from './naive-history.ts'

const UNBOUNDED: ViewBounds = { viewBytesMax: 2 ** 30, viewWinnersBytesMax: 2 ** 30, viewAgeDaysMax: 0 }

export function boundsFrom(random: Random): ViewBounds {
  if (random() < 0.2) return UNBOUNDED
  return {
    viewBytesMax: 2_000 + below(random, 60_000),
    viewWinnersBytesMax: 1_000 + below(random, 20_000),
    viewAgeDaysMax: random() < 0.2 ? 1 : 0,
  }
}

/** What the store says about an address, a few versions at a time. */
function someOlderVersions(
  stored: readonly LoggedEvent[],
  { kind, pubkey, d }: Address,
  before: Position,
  random: Random,
): readonly ServedEvent[] {
  const erased = { created_at: before.createdAt, id: before.id }
  const older = stored
    .filter(({ event }) => addressOf(event) === addressKey(kind, pubkey, d))
    .filter(({ event }) => compareServed(erased, event) < 0)
    .sort((a, b) => compareServed(a.event, b.event))
  return older.slice(0, 1 + below(random, 3)).map(({ event, json, partition, offset }) => {
    const { id, created_at: createdAt } = event
    return { id, pubkey, kind, createdAt, json, partition, offset }
  })
}

interface DoubtfulWorld {
  readonly history: NaiveHistory
  readonly serving: () => ViewReader | null
  isStored(place: LogPlace): boolean
  storedOffsets(): ReadonlyMap<number, number>
}

/** What settles the world's doubts, while it goes on. */
export const doubtsOf = (
  world: DoubtfulWorld,
  settle: (settlements: readonly Settlement[]) => void,
): Doubts =>
  new Doubts({
    view: world.serving,
    tombstones: world.history.tombstones,
    olderVersions: async (doubt, before) => {
      await nextTurn()
      const stored = world.history.log.filter((at) => world.isStored(at))
      return ok(someOlderVersions(stored, doubt, before, world.history.random))
    },
    stored: async () => ok(world.storedOffsets()),
    settle,
  })

export function opened<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('not there')
  return part
}

export const newOverlay = (): Overlay => new Overlay({ overlayEventsMax: 10_000, overlayBytesMax: 1 << 28 })
