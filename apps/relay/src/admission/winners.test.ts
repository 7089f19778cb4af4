import type { NostrEvent, Tombstone } from '@millrace/nostr'
import { sign, testKey } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { Winners } from './winners.ts'

const key = testKey('winner')
const address = `0:${key.pubkey}:`
const version = (created_at: number): NostrEvent => sign({ kind: 0, created_at }, key)
const versionOf = ({ id, created_at }: NostrEvent) => ({ id, createdAt: created_at })
const [old, middle, recent] = [version(1), version(2), version(3)]

const tombstone = (target: Tombstone['target'], floor: Tombstone['floor'] = null): Tombstone => ({
  author: key.pubkey,
  requestId: 'd'.repeat(64),
  requestCreatedAt: 9,
  target,
  floor,
  reason: 'deletion',
  recordedAtMs: 1,
})

test('what was met is a lower bound; only the store, or a proven first, makes it exact', () => {
  const winners = new Winners(10)
  expect(winners.get(address)).toEqual({ newest: null, isExact: false })
  winners.met(middle, false)
  expect(winners.get(address)).toEqual({ newest: versionOf(middle), isExact: false })
  winners.learn(address, versionOf(old))
  expect(winners.get(address)).toEqual({ newest: versionOf(middle), isExact: true })
  winners.met(old, false)
  winners.met(recent, false)
  expect(winners.get(address)).toEqual({ newest: versionOf(recent), isExact: true })
})

test('regular events have no address', () => {
  const winners = new Winners(10)
  winners.met(sign({ kind: 1 }, key), true)
  expect(winners.get(`1:${key.pubkey}:`).newest).toBeNull()
})

test.each([
  ['its id', tombstone({ type: 'event', id: recent.id })],
  ['its address', tombstone({ type: 'address', kind: 0, pubkey: key.pubkey, d: '', untilS: 3 })],
  ['its author', tombstone({ type: 'pubkey', pubkey: key.pubkey, untilS: 3 })],
  [
    'a floor',
    tombstone(
      { type: 'event', id: 'e'.repeat(64) },
      { kind: 0, pubkey: key.pubkey, d: '', createdAt: 3, id: null },
    ),
  ],
])('a tombstone that names %s makes it unknown again', (_, erasure) => {
  const winners = new Winners(10)
  winners.met(middle, true)
  winners.met(recent, false)
  winners.forget(erasure)
  expect(winners.get(address)).toEqual({ newest: null, isExact: false })
})

test('a tombstone of a version that was replaced changes nothing', () => {
  const winners = new Winners(10)
  winners.met(middle, true)
  winners.met(recent, false)
  winners.forget(tombstone({ type: 'event', id: middle.id }))
  expect(winners.get(address).newest).toEqual(versionOf(recent))
})

test('it forgets the addresses unused for longest', () => {
  const winners = new Winners(1)
  winners.met(recent, true)
  winners.met(sign({ kind: 3 }, key), true)
  expect(winners.get(address).newest).toBeNull()
})
