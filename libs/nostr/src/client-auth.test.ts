import { signAuth, testKey, unsigned } from '@millrace/testkit'
import { makeAuthEvent } from 'nostr-tools/nip42'
import { describe, expect, test } from 'vitest'
import { checkAuthEvent, normalizeRelayUrl } from './index.ts'

const nowS = 1_700_000_000
const key = testKey('auth')
const expected = { challenge: 'c', relayUrls: ['ws://127.0.0.1:7777', 'wss://relay.example/'], nowS }

const authEvent = ({
  kind = 22242,
  created_at = nowS,
  tags = [
    ['relay', 'wss://relay.example'],
    ['challenge', 'c'],
  ],
} = {}) => unsigned({ kind, created_at, tags }, key.pubkey)

test('a right answer proves the pubkey', () => {
  expect(checkAuthEvent(authEvent(), expected)).toEqual({ ok: true, value: key.pubkey })
  const own = signAuth('c', 'ws://127.0.0.1:7777/', key)
  expect(checkAuthEvent(own, { ...expected, nowS: own.created_at })).toEqual({ ok: true, value: key.pubkey })
})

test('the event that nostr-tools makes is taken', () => {
  const made = unsigned(makeAuthEvent('WSS://Relay.Example:443/', 'c'), key.pubkey)
  expect(checkAuthEvent(made, { ...expected, nowS: made.created_at })).toEqual({
    ok: true,
    value: key.pubkey,
  })
})

describe('refuses', () => {
  const relay = ['relay', 'wss://relay.example']
  const challenge = ['challenge', 'c']
  test.each([
    ['another kind', { kind: 22241 }],
    ['one made more than ten minutes ago', { created_at: nowS - 601 }],
    ['one made more than ten minutes ahead', { created_at: nowS + 601 }],
    ['no challenge', { tags: [relay] }],
    ['another challenge', { tags: [relay, ['challenge', 'd']] }],
    ['the right challenge in second place', { tags: [relay, ['challenge', 'd'], challenge] }],
    ['no relay', { tags: [challenge] }],
    ['another relay', { tags: [challenge, ['relay', 'wss://relay.example.evil']] }],
    ['another scheme', { tags: [challenge, ['relay', 'ws://relay.example']] }],
    ['another path', { tags: [challenge, ['relay', 'wss://relay.example/other']] }],
    ['a relay that is no URL', { tags: [challenge, ['relay', 'relay.example']] }],
    ['the right relay in second place', { tags: [challenge, ['relay', 'wss://other.example'], relay] }],
  ])('%s', (_, change) => {
    expect(checkAuthEvent(authEvent(change), expected)).toMatchObject({
      ok: false,
      fault: { code: 'auth-invalid' },
    })
  })
})

test('ten minutes exactly is close enough', () => {
  for (const created_at of [nowS - 600, nowS + 600])
    expect(checkAuthEvent(authEvent({ created_at }), expected).ok).toBe(true)
})

test.each([
  ['wss://Relay.Example', 'wss://relay.example'],
  ['wss://relay.example:443/', 'wss://relay.example'],
  ['ws://relay.example:80//', 'ws://relay.example'],
  ['ws://127.0.0.1:7777/', 'ws://127.0.0.1:7777'],
  ['wss://relay.example/path/', 'wss://relay.example/path'],
  ['wss://relay.example/?a=b#c', 'wss://relay.example?a=b'],
])('%s is %s', (url, normalized) => {
  expect(normalizeRelayUrl(url)).toEqual({ ok: true, value: normalized })
})

test.each(['', 'relay.example', 'https://relay.example', 'wss://', 'wss://u:p@relay.example'])(
  '%j is no relay URL',
  (url) => {
    expect(normalizeRelayUrl(url).ok).toBe(false)
  },
)
