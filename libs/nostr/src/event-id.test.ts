import { createHash } from 'node:crypto'
import { arbitraryEvent } from '@millrace/testkit'
import * as fc from 'fast-check'
import { getEventHash } from 'nostr-tools/pure'
import { expect, test } from 'vitest'
import { canonicalJson, checkEventId, eventId, eventJson } from './index.ts'

/** The rumor printed in NIP-59. */
const rumor = {
  created_at: 1691518405,
  content: 'Are you going to the party tonight?',
  tags: [],
  kind: 1,
  pubkey: '611df01bfcf85c26ae65453b772d8f1dfd25c264621c0277e1fc1518686faef9',
}

/** The event printed in NIP-13. */
const mined = {
  id: '000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358',
  pubkey: 'a48380f4cfcc1ad5378294fcac36439770f9c878dd880ffa94bb74ea54a6f243',
  created_at: 1651794653,
  kind: 1,
  tags: [['nonce', '776797', '20']],
  content: "It's just me mining my own business",
  sig: '284622fc0a3f4f1303455d5175f7ba962a3300d136085b9566801bc2e0699de0c7e31e44c81fb40ad9049173742e904713c3594a1da0fc5d2382a25c11aba977',
}

test("the ids printed in the NIPs' own examples", () => {
  expect(eventId(rumor)).toBe('9dd003c6d3b73b74a85a9ab099469ce251653a7af76f523671ab828acd2a0ef9')
  expect(checkEventId(mined)).toEqual({ ok: true, value: undefined })
})

test('an id that is not the hash of the rest is a fault', () => {
  const changed = { ...mined, content: `${mined.content} ` }
  expect(checkEventId(changed)).toMatchObject({
    ok: false,
    fault: { code: 'event-id-mismatch', kind: 'invalid' },
  })
})

test("NIP-01's seven escapes are short, other control characters are JSON's, the rest is verbatim UTF-8", () => {
  const content = '\n"\\\r\t\b\f \u0000\u0001\u000b\u001f \u007f\u0080\u2028\u2029/<é漢🦩'
  const bytes = Buffer.concat([
    Buffer.from(`[0,"${rumor.pubkey}",${rumor.created_at},1,[],"`, 'latin1'),
    Buffer.from(String.raw`\n\"\\\r\t\b\f \u0000\u0001\u000b\u001f `, 'latin1'),
    Buffer.from([0x7f, 0xc2, 0x80, 0xe2, 0x80, 0xa8, 0xe2, 0x80, 0xa9, 0x2f, 0x3c, 0xc3, 0xa9]),
    Buffer.from([0xe6, 0xbc, 0xa2, 0xf0, 0x9f, 0xa6, 0xa9, 0x22, 0x5d]),
  ])
  const event = { ...rumor, content }
  expect(Buffer.from(canonicalJson(event))).toEqual(bytes)
  expect(eventId(event)).toBe(createHash('sha256').update(bytes).digest('hex'))
})

test('ids equal those of nostr-tools', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      expect(eventId(event)).toBe(getEventHash(event))
      expect(event.id).toBe(getEventHash(event))
    }),
  )
})

test('the served JSON has the seven fields in the order of NIP-01 and reads back as the event', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      const { id, pubkey, created_at, kind, tags, content, sig } = event
      expect(eventJson({ ...event })).toBe(
        JSON.stringify({ id, pubkey, created_at, kind, tags, content, sig }),
      )
    }),
  )
})
