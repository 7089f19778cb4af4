import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TombstoneSet } from '@millrace/nostr'
import {
  naiveRemains,
  type Random,
  randomHistory,
  type SignedEvent,
  seeded,
  shuffled,
} from '@millrace/testkit'
import { expect } from 'vitest'
import { type Bug, DeletionWorld } from './deletion-world.ts'
import { keysOf, NOW_S, RELAY_URL } from './histories.ts'

export const CASES_PER_WORLD = 16
/** In memory where the system has such a folder: the state syncs every commit. */
const FOLDERS = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export interface Case {
  readonly name: string
  readonly events: readonly SignedEvent[]
}

/** Random histories in one world, and whether it ends as the naive model says; throws what differs. */
export async function checkWorld(seed: number, count: number, bug?: Bug): Promise<void> {
  const folder = mkdtempSync(join(FOLDERS, 'deletion-'))
  const random = seeded(seed)
  const world = new DeletionWorld({ folder, random, ...(bug && { bug }) })
  await world.open()
  try {
    const cases = Array.from({ length: count }, (_, at): Case => {
      const name = `case ${seed} ${at}`
      return { name, events: randomHistory(random, { keys: keysOf(name), relayUrl: RELAY_URL, nowS: NOW_S }) }
    })
    const appended: SignedEvent[] = []
    for (const event of shuffledTogether(
      random,
      cases.map(({ events }) => events),
    )) {
      await world.append(event)
      appended.push(event)
      while (random() < 0.5) await world.step()
    }
    await world.settle()
    for (const one of cases) check(world, one, appended, random, seed)
    expect(world.state.outgoingRecords, `seed ${seed}`).toBe(0)
    expect(world.lostFloors(), `seed ${seed}`).toEqual([])
    expect(world.addressesInDoubt, `seed ${seed}`).toBe(0)
  } finally {
    await world.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function check(
  world: DeletionWorld,
  { name, events }: Case,
  appended: readonly SignedEvent[],
  random: Random,
  seed: number,
): void {
  const ids = new Set(events.map(({ id }) => id))
  const own = appended.filter(({ id }) => ids.has(id))
  const { kept, visible } = naiveRemains(own, { relayUrls: [RELAY_URL], nowS: NOW_S })
  const story = `${name} of seed ${seed}\n${own.map((event) => JSON.stringify(event)).join('\n')}`
  const keys = keysOf(name)
  expect([...world.kept(new Set(keys), events)].sort(), `the log of ${story}`).toEqual(
    kept.map(({ id }) => id).sort(),
  )
  expect(world.shown(keys), `the view of ${story}`).toEqual(visible.map(({ id }) => id))
  const set = new TombstoneSet()
  for (const tombstone of shuffled(random, world.tombstones())) set.apply(tombstone)
  const uncovered = events.filter((event) => !set.covers(event) && !set.isBelowFloor(event))
  expect([...new Set(uncovered.map(({ id }) => id))].sort(), `the tombstones of ${story}`).toEqual(
    kept.map(({ id }) => id).sort(),
  )
}

/** Each history in its own order. */
function shuffledTogether(random: Random, histories: readonly (readonly SignedEvent[])[]): SignedEvent[] {
  const left = histories.map((events) => [...events])
  const out: SignedEvent[] = []
  const order = shuffled(
    random,
    left.flatMap((events, at) => events.map(() => at)),
  )
  for (const at of order) {
    const event = left[at]?.shift()
    if (event !== undefined) out.push(event)
  }
  return out
}

/** One history with its partitions met in this order; tombstones are read after every record, or only in the end. */
export async function checkInterleaving(
  name: string,
  events: readonly SignedEvent[],
  order: readonly number[],
): Promise<void> {
  for (const readsAtOnce of [true, false]) {
    const folder = mkdtempSync(join(FOLDERS, 'deletion-'))
    const random = seeded(1)
    const world = new DeletionWorld({ folder, random })
    await world.open()
    try {
      for (const event of events) await world.append(event)
      for (const partition of order) {
        await world.foldOne(partition)
        if (readsAtOnce) await world.readTombstones()
      }
      await world.settle()
      check(world, { name, events }, events, random, 1)
      expect(world.lostFloors(), `${name} ${order}`).toEqual([])
    } finally {
      await world.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
