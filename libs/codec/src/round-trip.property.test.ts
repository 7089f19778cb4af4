import {
  CREATED_AT_MAX,
  type Envelope,
  type NostrEvent,
  parseEvent,
  type Tombstone,
  type TombstoneTarget,
} from '@millrace/nostr'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeDeadLetter, encodeDeadLetter } from './dead-letter.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope.ts'
import { decodeSetting, encodeSetting } from './setting.ts'
import { decodeTombstone, encodeTombstone } from './tombstone.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((s) => s.isWellFormed())
const instant = fc.integer({ min: 0, max: CREATED_AT_MAX })
const bytesOrNull = fc.option(
  fc.uint8Array({ maxLength: 40 }).map((b) => Buffer.from(b)),
  { nil: null },
)

const event: fc.Arbitrary<NostrEvent> = fc.record(
  {
    id: hex(32),
    pubkey: hex(32),
    created_at: instant,
    kind: fc.integer({ min: 0, max: 65_535 }),
    tags: fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
    content: text,
    sig: hex(64),
  },
  { noNullPrototype: true },
)

const envelope: fc.Arbitrary<Envelope> = fc.record(
  {
    event,
    receipt: fc.record(
      { receivedAtMs: instant, source: fc.constantFrom('client', 'import', 'mirror'), edge: text },
      { noNullPrototype: true },
    ),
  },
  { noNullPrototype: true },
)

const kind = fc.integer({ min: 0, max: 65_535 })
const target: fc.Arbitrary<TombstoneTarget> = fc.oneof(
  hex(32).map((id) => ({ type: 'event' as const, id })),
  fc.tuple(kind, hex(32), text, instant).map(([k, pubkey, d, untilS]) => ({
    type: 'address' as const,
    kind: k,
    pubkey,
    d,
    untilS,
  })),
  fc.tuple(hex(32), instant).map(([pubkey, untilS]) => ({ type: 'pubkey' as const, pubkey, untilS })),
)

const tombstone: fc.Arbitrary<Tombstone> = fc.record(
  {
    author: hex(32),
    requestId: hex(32),
    requestCreatedAt: instant,
    target,
    floor: fc.option(
      fc.record(
        { kind, pubkey: hex(32), d: text, createdAt: instant, id: fc.option(hex(32), { nil: null }) },
        { noNullPrototype: true },
      ),
      { nil: null },
    ),
    reason: fc.constantFrom('deletion', 'vanish', 'expiration', 'admin'),
    recordedAtMs: instant,
  },
  { noNullPrototype: true },
)

const setting = fc.record(
  { scope: text, key: text, value: text, actor: text, recordedAtMs: instant },
  { noNullPrototype: true },
)

const deadLetter = fc.record(
  {
    topic: text,
    partition: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    offset: instant,
    logId: text,
    recordKey: bytesOrNull,
    recordValue: bytesOrNull,
    // Avro maps are decoded into plain objects, which cannot carry this one name: see DeadLetter.headers.
    headers: fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      text,
      { maxKeys: 4, noNullPrototype: true },
    ),
    group: text,
    step: text,
    code: text,
    message: text,
    refusedAtMs: instant,
  },
  { noNullPrototype: true },
)

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(envelope, tombstone, setting, deadLetter, (e, t, s, d) => {
      expect(decodeEnvelope(encodeEnvelope(e))).toEqual({ ok: true, value: e })
      expect(decodeTombstone(encodeTombstone(t))).toEqual({ ok: true, value: t })
      expect(decodeSetting(encodeSetting(s))).toEqual({ ok: true, value: s })
      expect(decodeDeadLetter(encodeDeadLetter(d))).toEqual({ ok: true, value: d })
    }),
    { numRuns: 300 },
  )
})

test('any bytes give a value or a fault, never an exception', () => {
  const decoders = [decodeEnvelope, decodeTombstone, decodeSetting, decodeDeadLetter]
  const headed = fc
    .tuple(fc.integer({ min: 100_000, max: 100_005 }), fc.uint8Array({ maxLength: 300 }))
    .map(([id, body]) => {
      const header = Buffer.alloc(5)
      header.writeUInt32BE(id, 1)
      return Buffer.concat([header, body])
    })
  const cut = fc.tuple(envelope, fc.nat()).map(([e, at]) => {
    const whole = encodeEnvelope(e)
    return whole.subarray(0, at % whole.length)
  })
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)),
    headed,
    cut,
  )
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      for (const decode of decoders) {
        const result = decode(bytes)
        if (!result.ok) expect(['record-undecodable', 'schema-unknown']).toContain(result.fault.code)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('the body of an event is never larger than its JSON frame, so what the relay accepts fits the topic', () => {
  fc.assert(
    fc.property(envelope, (e) => {
      const receipt = { ...e.receipt, edge: '' }
      const frameBytes = Buffer.byteLength(JSON.stringify(['EVENT', e.event]))
      expect(encodeEnvelope({ event: e.event, receipt }).length).toBeLessThanOrEqual(frameBytes)
    }),
  )
})

test('every created_at that an event may have can be encoded', () => {
  for (const created_at of [0, 1, CREATED_AT_MAX]) {
    const event = {
      id: '0'.repeat(64),
      pubkey: '0'.repeat(64),
      created_at,
      kind: 1,
      tags: [],
      content: '',
      sig: '0'.repeat(128),
    }
    expect(parseEvent(event).ok).toBe(true)
    expect(parseEvent({ ...event, created_at: CREATED_AT_MAX + 1 }).ok).toBe(false)
    const receipt = { receivedAtMs: 0, source: 'client', edge: '' } as const
    expect(decodeEnvelope(encodeEnvelope({ event, receipt }))).toMatchObject({ ok: true })
  }
})
