import { verifyEvent } from 'nostr-tools/pure'
import { expect, test } from 'vitest'
import { sign, signAuth, testKey, unsigned } from './index.ts'

test('a seed is a key, another seed another one', () => {
  expect(testKey('alice')).toEqual(testKey('alice'))
  expect(testKey('alice').pubkey).toMatch(/^[0-9a-f]{64}$/)
  expect(testKey(1).pubkey).not.toBe(testKey(2).pubkey)
})

test('what is signed verifies, and is the same on every run', () => {
  const template = { kind: 1, content: 'é\u0001🦩"', tags: [['t', 'x']], created_at: 1_700_000_000 }
  const event = sign(template, testKey('alice'))
  expect(verifyEvent({ ...event })).toBe(true)
  expect(sign(template, testKey('alice'))).toEqual(event)
  expect(verifyEvent({ ...event, content: 'other' })).toBe(false)
})

test('an unsigned event has the right id and no signature', () => {
  const template = { kind: 1, content: 'x', tags: [], created_at: 5 }
  const key = testKey('bob')
  expect(unsigned(template, key.pubkey)).toEqual({ ...sign(template, key), sig: '0'.repeat(128) })
})

test('an AUTH event carries relay and challenge and is of now', () => {
  const event = signAuth('challenge', 'wss://relay.example', testKey('carol'))
  expect(event).toMatchObject({ kind: 22242, content: '' })
  expect(event.tags).toEqual([
    ['relay', 'wss://relay.example'],
    ['challenge', 'challenge'],
  ])
  expect(Math.abs(event.created_at - Date.now() / 1000)).toBeLessThan(5)
})
