import { ManualClock } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import { type EventTemplate, type SignedEvent, sign, testKey } from '@millrace/testkit'
import { createVerifier } from '@millrace/verifier'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdmissionRules, admit } from './admission.ts'

const NOW_S = 1_750_000_000
const ALICE = testKey('alice')
const BOB = testKey('bob')

let verifier: Awaited<ReturnType<typeof createVerifier>>
beforeAll(async () => {
  verifier = await createVerifier({ workers: 1 })
})
afterAll(() => verifier.close())

const rules = (over: Partial<AdmissionRules> = {}): AdmissionRules => ({
  eventFutureMaxS: 900,
  allowProtected: false,
  tombstones: new TombstoneSet(),
  verifier,
  clock: new ManualClock(NOW_S * 1000),
  ...over,
})

const event = (template: Partial<EventTemplate> = {}): SignedEvent =>
  sign({ kind: 1, content: 'x', created_at: NOW_S, ...template }, ALICE)

const verdict = async (value: unknown, over?: Partial<AdmissionRules>): Promise<string> => {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))
  const result = await admit({ number: 1, bytes }, rules(over))
  return result.ok ? `owner ${result.value.owner}` : result.fault.code
}

test('an event is admitted with its owner, whatever other fields and spaces the line has', async () => {
  expect(await verdict(event())).toBe(`owner ${ALICE.pubkey}`)
  expect(await verdict(Buffer.from(` ${JSON.stringify({ ...event(), seen_on: ['wss://x'] })}\r`))).toBe(
    `owner ${ALICE.pubkey}`,
  )
})

test('gift wraps belong to their recipient, and are refused without one', async () => {
  expect(
    await verdict(
      event({
        kind: 1059,
        tags: [
          ['p', 'not hex'],
          ['p', BOB.pubkey],
        ],
      }),
    ),
  ).toBe(`owner ${BOB.pubkey}`)
  expect(await verdict(event({ kind: 1059 }))).toBe('event-owner-missing')
})

test.each([
  ['no JSON', Buffer.from('{"id":'), 'event-malformed'],
  [
    'no UTF-8',
    Buffer.concat([Buffer.from('{"content":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    'event-malformed',
  ],
  ['no event', [1, 2], 'event-malformed'],
  ['a null in a tag', { ...event(), tags: [['p', null]] }, 'event-malformed'],
  ['another id', { ...event(), id: '0'.repeat(64) }, 'event-id-mismatch'],
  ['changed content', { ...event(), content: 'y' }, 'event-id-mismatch'],
  ['another signature', { ...event(), sig: event({ content: 'y' }).sig }, 'event-signature-invalid'],
  ['an ephemeral kind', event({ kind: 20_001 }), 'event-kind-refused'],
  ['an AUTH event', event({ kind: 22_242 }), 'event-kind-refused'],
  ['an HTTP AUTH event', event({ kind: 27_235 }), 'event-kind-refused'],
  ['the future', event({ created_at: NOW_S + 901 }), 'event-created-at-out-of-range'],
  ['expired', event({ tags: [['expiration', String(NOW_S)]] }), 'event-expired'],
  ['protected', event({ tags: [['-']] }), 'event-protected'],
])('%s is refused', async (_, line, code) => expect(await verdict(line)).toBe(code))

test('a line that was too long to keep is refused', async () => {
  const result = await admit({ number: 1, bytes: null }, rules())
  expect(result.ok ? null : result.fault.code).toBe('event-too-large')
})

test('what the bounds still allow is admitted', async () => {
  expect(await verdict(event({ created_at: NOW_S + 900 }))).toMatch(/^owner/)
  expect(await verdict(event({ tags: [['expiration', String(NOW_S + 1)]] }))).toMatch(/^owner/)
  expect(await verdict(event({ tags: [['-']] }), { allowProtected: true })).toMatch(/^owner/)
})

test('without a verifier the signature is trusted, and the id is not', async () => {
  expect(await verdict({ ...event(), sig: '0'.repeat(128) }, { verifier: null })).toMatch(/^owner/)
  expect(await verdict({ ...event(), content: 'y' }, { verifier: null })).toBe('event-id-mismatch')
})

test('what its author deleted stays deleted, and what a stranger deleted does not', async () => {
  const [mine, other] = [event({ content: 'mine' }), event({ content: 'other' })]
  const tombstones = new TombstoneSet()
  const request = {
    requestId: 'f'.repeat(64),
    requestCreatedAt: NOW_S,
    floor: null,
    reason: 'deletion' as const,
    recordedAtMs: 0,
  }
  tombstones.apply({ ...request, author: ALICE.pubkey, target: { type: 'event', id: mine.id } })
  tombstones.apply({ ...request, author: BOB.pubkey, target: { type: 'event', id: other.id } })
  expect(await verdict(mine, { tombstones })).toBe('event-deleted')
  expect(await verdict(other, { tombstones })).toMatch(/^owner/)
})

test('versions at or below the floor of their address are refused', async () => {
  const tombstones = new TombstoneSet()
  const floor = { kind: 30_023, pubkey: ALICE.pubkey, d: 'a', createdAt: NOW_S - 10, id: null }
  tombstones.apply({
    author: ALICE.pubkey,
    requestId: 'f'.repeat(64),
    requestCreatedAt: NOW_S,
    target: { type: 'event', id: '1'.repeat(64) },
    floor,
    reason: 'deletion',
    recordedAtMs: 0,
  })
  const version = (createdAt: number) => event({ kind: 30_023, created_at: createdAt, tags: [['d', 'a']] })
  expect(await verdict(version(NOW_S - 10), { tombstones })).toBe('event-deleted')
  expect(await verdict(version(NOW_S - 9), { tombstones })).toMatch(/^owner/)
})
