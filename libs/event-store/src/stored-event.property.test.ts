import { dTagOf, eventJson, expirationOf, isIndexedName, kindClass, type NostrEvent } from '@millrace/nostr'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeStored, writeStored } from './encode-stored.ts'
import { valueOfTagKey } from './record-tags.ts'
import { StoredEvent } from './stored-event.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
const text = fc
  .string({ unit: fc.constantFrom('a', '"', '\\', '\n', ']', ',', '[', 'é', '🦩', '\u0001'), maxLength: 6 })
  .filter((value) => value.isWellFormed())
const name = fc.oneof(fc.constantFrom('e', 'p', 'd', 'Z', '-', '1', 'expiration', 'dd', ''), text)
const value = fc.oneof(fc.constantFrom('1700000000', '12x', '', 'ab'.repeat(32)), text)
const tag = fc
  .tuple(name, fc.array(value, { maxLength: 3 }), fc.integer({ min: 0, max: 9 }))
  .map(([first, rest, dice]) => (dice === 0 ? [] : [first, ...rest]))

const event: fc.Arbitrary<NostrEvent> = fc.record({
  id: hex(32),
  pubkey: hex(32),
  created_at: fc.oneof(fc.nat(99), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 })),
  kind: fc.constantFrom(0, 1, 1059, 10_002, 30_023, 39_999, 65_535),
  tags: fc.array(tag, { maxLength: 6 }),
  content: text,
  sig: hex(64),
})
const place = { partition: 3, offset: 12_345 }

test('a record tells about its event what the event tells', () => {
  fc.assert(
    fc.property(event, (given) => {
      const stored = new StoredEvent(encodeStored(given, eventJson(given), place)).copy()
      const { id, pubkey, created_at: createdAt, kind } = given
      const d = kindClass(kind) === 'addressable' ? dTagOf(given) : ''
      expect(stored).toMatchObject({ id, pubkey, createdAt, kind, d, ...place })
      expect(stored.expirationS).toBe(expirationOf(given) || null)
      expect(stored.idBytes.toString('hex')).toBe(id)
      const indexed: [string, string][] = []
      stored.eachIndexedTag((letter, key) => indexed.push([String.fromCharCode(letter), valueOfTagKey(key)]))
      const pairs = given.tags.filter(([first, second]) => isIndexedName(first ?? '') && second !== undefined)
      expect(indexed).toEqual(pairs.map(([first, second]) => [first, second]))
      expect(stored.parse()).toEqual(given)
    }),
    { numRuns: 2_000 },
  )
})

test('a record of JSON that somebody writes is the record of the event', () => {
  fc.assert(
    fc.property(event, (given) => {
      const json = eventJson(given)
      const encoded = new StoredEvent(encodeStored(given, json, place)).copy().record
      const write = (into: Buffer, at: number) => ({
        end: at + into.write(json, at),
        createdAt: given.created_at,
        kind: given.kind,
      })
      expect(writeStored(3 * json.length, write, place)?.record.equals(encoded)).toBe(true)
    }),
  )
  expect(writeStored(10, () => null, place)).toBeNull()
})
