import { CREATED_AT_MAX, type Envelope, eventJson } from '@millrace/nostr'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEnvelope, encodeEnvelope } from './envelope.ts'
import { transcodedBytesMax, transcodeEnvelope } from './transcode-envelope.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
/** Every character that JSON escapes is frequent. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom('"', '\\', '\n', '\t', '\u0000', '\u001f', '\u007f', '\u2028', 'é', '🦩'),
    }),
  )
  .filter((s) => s.isWellFormed())
const instant = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: CREATED_AT_MAX }))

const envelope: fc.Arbitrary<Envelope> = fc.record({
  event: fc.record({
    id: hex(32),
    pubkey: hex(32),
    created_at: instant,
    kind: fc.integer({ min: 0, max: 65_535 }),
    tags: fc.array(fc.array(text, { maxLength: 5 }), { maxLength: 8 }),
    content: text,
    sig: hex(64),
  }),
  receipt: fc.record({
    receivedAtMs: instant,
    source: fc.constantFrom('client', 'import', 'mirror'),
    edge: text,
  }),
})

/** The JSON that was written, with its two fields; null where decoding has to tell. */
function transcoded(value: Buffer, start = 7) {
  const into = Buffer.alloc(start + transcodedBytesMax(value))
  const event = transcodeEnvelope(value, into, start)
  return (
    event && { json: into.toString('utf8', start, event.end), createdAt: event.createdAt, kind: event.kind }
  )
}

test('the JSON is the one of the decoded event', () => {
  fc.assert(
    fc.property(envelope, (given) => {
      const { event } = given
      const expected = { json: eventJson(event), createdAt: event.created_at, kind: event.kind }
      expect(transcoded(encodeEnvelope(given))).toEqual(expected)
    }),
    { numRuns: 2_000 },
  )
})

test('what is damaged is left to the decoder, or reads as the decoder reads it', () => {
  const damage = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(40), isCut: fc.boolean() })
  fc.assert(
    fc.property(envelope, damage, (given, { at, byte, cut, isCut }) => {
      const whole = encodeEnvelope(given)
      const value = isCut ? whole.subarray(0, Math.max(0, whole.length - cut)) : Buffer.from(whole)
      if (!isCut) value[at % value.length] = byte
      const found = transcoded(value)
      if (found === null) return
      const decoded = decodeEnvelope(value)
      expect(decoded.ok && eventJson(decoded.value.event)).toBe(found.json)
    }),
    { numRuns: 5_000 },
  )
})

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a header alone', Buffer.from([0, 0, 0, 0, 1])],
  ['another format', Buffer.from('{"id":"x"}')],
])('%s is nothing to transcode', (_, value) => {
  expect(transcoded(value)).toBeNull()
})

test('arrays in several blocks, with their sizes, are read as well', () => {
  const event = {
    id: '11'.repeat(32),
    pubkey: '22'.repeat(32),
    created_at: 5,
    kind: 1,
    tags: [['a'], ['b']],
    content: '',
    sig: '33'.repeat(64),
  }
  const value = encodeEnvelope({ event, receipt: { receivedAtMs: 1, source: 'client', edge: 'e' } })
  // [2 items: [1 item: "a"], [1 item: "b"]] → a block of one with its size, then a block of one.
  const joined = Buffer.from([4, 2, 2, 0x61, 0, 2, 2, 0x62, 0, 0])
  const split = Buffer.from([1, 8, 2, 2, 0x61, 0, 2, 2, 2, 0x62, 0, 0])
  const at = value.indexOf(joined)
  expect(at).toBeGreaterThan(0)
  const other = Buffer.concat([value.subarray(0, at), split, value.subarray(at + joined.length)])
  expect(decodeEnvelope(other)).toMatchObject({ ok: true, value: { event } })
  expect(transcoded(other)?.json).toBe(eventJson(event))
})
