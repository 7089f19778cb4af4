import { unwrap } from '@millrace/kernel'
import { addressOf, type Filter, parseFilter } from '@millrace/nostr'
import {
  AUTHORS,
  arbitraryFilter,
  EPOCH_S,
  type NaiveFilter,
  type SignedEvent,
  SPAN_S,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect } from 'vitest'
import type { ReadContext } from '../../event-reader.ts'
import { ViewedReader } from '../viewed-reader.ts'
import type { BelowReader } from '../viewed-reader-parts.ts'
import { answerNow } from './answer-now.ts'
import type { ViewedWorld } from './viewed-world.ts'

const MISS = 'f'.repeat(64)

const pick = (world: ViewedWorld, ...values: number[]): number =>
  values[Math.floor(world.random() * values.length)] ?? 0

/** The reader of the world's edge, with random bounds of its pages. */
export function readerOf(world: ViewedWorld, below: BelowReader): ViewedReader {
  return new ViewedReader({
    overlay: world.overlay,
    tombstones: world.history.tombstones,
    view: world.serving,
    isBehind: world.isBehind,
    below,
    limits: {
      sliceMs: pick(world, 0, 1_000, 1_000),
      pageRowsMax: pick(world, 1, 2, 3, 500, 500, 500),
      pageBytesMax: pick(world, 1_000, 1_000_000),
      scanValuesMax: pick(world, 1, 2, 1_000),
    },
  })
}

function questionOf(world: ViewedWorld): { asked: NaiveFilter[]; filters: Filter[]; context: ReadContext } {
  const events = world.history.log.slice(-60).map(({ event }) => event as SignedEvent)
  const options = { numRuns: 1 + Math.floor(world.random() * 4), seed: Math.floor(world.random() * 2 ** 31) }
  const any = fc.sample(arbitraryFilter(events), options).filter((filter) => parseFilter(filter).ok)
  // Many are cut short, because that is where readers go wrong.
  const asked = any.map((filter) =>
    world.random() < 0.5 ? filter : { ...filter, limit: pick(world, 1, 2, 3, 5, 8) },
  )
  const filters = asked.map((filter) => unwrap(parseFilter(filter)))
  const authedPubkeys = new Set(AUTHORS.filter(() => world.random() < 0.3))
  return { asked, filters, context: { authedPubkeys, nowS: EPOCH_S + Math.floor(world.random() * SPAN_S) } }
}

const idsOf = (events: readonly { readonly id: string }[]): string => events.map(({ id }) => id).join('\n')

/**
 * Asks a random question and compares `answerNow` and `query` with the naive relay over all that was acknowledged, while the world moves.
 * Answers how many events were expected, and how many came at once (null: `query` had to be asked).
 */
export async function expectAnswer(
  world: ViewedWorld,
  reader: ViewedReader,
): Promise<{ readonly expected: number; readonly now: number | null }> {
  const { asked, filters, context } = questionOf(world)
  const expected = world.history.naive().query(asked, context.nowS, context.authedPubkeys)
  const said = JSON.stringify(asked)
  const now = answerNow(reader, filters, context)
  if (now !== null) expect(idsOf(now), `at once ${said}`).toBe(idsOf(expected))
  const served = []
  for await (const chunk of reader.query(filters, context)) {
    served.push(...unwrap(chunk))
    await world.pause()
  }
  expect(idsOf(served), said).toBe(idsOf(expected))
  expect(served.map(({ json }) => JSON.parse(json) as unknown)).toEqual(expected)
  return { expected: expected.length, now: now?.length ?? null }
}

/**
 * Asks what admission asks: everything that is current is known, and at each address the version that rules is named. Answers
 * how many rule.
 */
export async function expectAdmissionFacts(world: ViewedWorld, reader: ViewedReader): Promise<number> {
  const { history } = world
  const current = history.naive().current()
  const byId = new Map(history.log.map(({ event }) => [event.id, event]))
  const known = unwrap(await reader.lookup([...byId.keys(), MISS]))
  for (const [id, { json }] of known) expect(JSON.parse(json)).toEqual(byId.get(id))
  for (const { id } of current) expect([...known.keys()], 'looked up').toContain(id)
  const addresses = [...new Set([...byId.values()].map(addressOf).filter((address) => address !== null))]
  const versions = unwrap(await reader.currentVersions(addresses))
  const ruling = new Map(current.map((event) => [addressOf(event), event.id]))
  for (const address of addresses) {
    const version = byId.get(versions.get(address)?.id ?? '')
    // A version at or below its floor may be named: admission checks the floor itself.
    const isRuling = version !== undefined && !history.tombstones.isBelowFloor(version)
    expect(isRuling ? version.id : undefined, address).toBe(ruling.get(address))
  }
  return addresses.filter((address) => ruling.has(address)).length
}
