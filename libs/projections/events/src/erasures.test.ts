import type { Tombstone } from '@millrace/nostr'
import { expect, test } from 'vitest'
import { foldTombstones } from './erasures.ts'

const AUTHOR = 'a'.repeat(64)
const STRANGER = 'b'.repeat(64)
const ID = '1'.repeat(64)
const ANY_ID = '0'.repeat(64)

const tombstone = (changes: Partial<Tombstone>): Tombstone => ({
  author: AUTHOR,
  requestId: 'f'.repeat(64),
  requestCreatedAt: 100,
  target: { type: 'event', id: ID },
  floor: null,
  reason: 'deletion',
  recordedAtMs: 1,
  ...changes,
})
const address = (pubkey: string, kind = 30023, d = 'x') =>
  ({ type: 'address', kind, pubkey, d, untilS: 100 }) as const

test('an event, its floor and who asked become one row each', () => {
  const floor = { kind: 10002, pubkey: AUTHOR, d: '', createdAt: 50, id: ID }
  const rows = foldTombstones([tombstone({ floor }), tombstone({ reason: 'admin' })])
  expect(rows.events).toMatchObject([
    { eventId: ID, author: AUTHOR, isRequest: true },
    { eventId: ID, author: AUTHOR, isRequest: false },
  ])
  expect(rows.addresses).toMatchObject([{ kind: 10002, d: '', floorCreatedAt: 50, floorId: ID }])
})

test('an erasure by address covers every id of its second', () => {
  expect(foldTombstones([tombstone({ target: address(AUTHOR) })]).addresses).toMatchObject([
    { kind: 30023, pubkey: AUTHOR, d: 'x', floorCreatedAt: 100, floorId: ANY_ID },
  ])
})

test('what reaches beyond its author is dropped', () => {
  const rows = foldTombstones([
    tombstone({ target: address(STRANGER) }),
    tombstone({ target: { type: 'pubkey', pubkey: STRANGER, untilS: 100 }, reason: 'vanish' }),
    tombstone({ floor: { kind: 0, pubkey: STRANGER, d: '', createdAt: 50, id: null } }),
  ])
  expect(rows).toMatchObject({ events: [{ eventId: ID }], addresses: [], pubkeys: [] })
})

test('bounds at addresses that no event can have are dropped', () => {
  const targets = [address(AUTHOR, 1, ''), address(AUTHOR, 10002, 'x'), address(AUTHOR, 20_000, '')]
  expect(foldTombstones(targets.map((target) => tombstone({ target }))).addresses).toEqual([])
})

test('a request to vanish becomes a bound on its own key', () => {
  const target = { type: 'pubkey', pubkey: AUTHOR, untilS: 100 } as const
  expect(foldTombstones([tombstone({ target, reason: 'vanish' })]).pubkeys).toMatchObject([
    { pubkey: AUTHOR, untilS: 100 },
  ])
})
