import {
  arbitraryEvent,
  floorAt,
  tombstonesOfDeletion,
  tombstonesOfVanish,
  unsigned,
} from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { deletionTargets, floorLeftBy, parseAddress, vanishTarget } from './index.ts'

const author = 'a'.repeat(64)
const stranger = 'b'.repeat(64)
const id = 'c'.repeat(64)

test('a deletion names ids of anybody and addresses of its author', () => {
  const tags = [
    ['e', id],
    ['e', id],
    ['e', 'no id'],
    ['a', `30023:${author}:with:colon\nand line`],
    ['a', `0:${author}:`],
    ['a', `30023:${stranger}:x`],
    ['a', `1:${author}:`],
    ['k', '1'],
  ]
  const request = unsigned({ kind: 5, created_at: 9, tags }, author)
  expect(deletionTargets(request)).toEqual([
    { type: 'event', id },
    { type: 'address', kind: 30023, pubkey: author, d: 'with:colon\nand line', untilS: 9 },
    { type: 'address', kind: 0, pubkey: author, d: '', untilS: 9 },
  ])
})

test.each([
  '',
  'x',
  `30023:${author}`,
  `30023:${author.toUpperCase()}:`,
  `-1:${author}:`,
  `70000:${author}:`,
  `5:${author}:`,
])('%j is no address of versions', (text) => {
  expect(parseAddress(text)).toBeNull()
})

test('a request to vanish counts when it names this relay, however spelled, or all', () => {
  const request = (...urls: string[]) =>
    unsigned({ kind: 62, created_at: 9, tags: urls.map((url) => ['relay', url]) }, author)
  const urls = ['wss://relay.example']
  const target = { type: 'pubkey', pubkey: author, untilS: 9 }
  expect(vanishTarget(request('wss://other.example', 'wss://Relay.Example/'), urls)).toEqual(target)
  expect(vanishTarget(request('ALL_RELAYS'), [])).toEqual(target)
  expect(vanishTarget(request('all_relays', 'wss://other.example'), urls)).toBeNull()
  expect(vanishTarget(request(), urls)).toBeNull()
  expect(vanishTarget({ ...request('ALL_RELAYS'), kind: 1 }, urls)).toBeNull()
})

test('targets and floors equal those of the naive model', () => {
  const arbitraryKnownAndRequest = fc
    .array(arbitraryEvent(), { minLength: 1, maxLength: 6 })
    .chain((known) => fc.tuple(fc.constant(known), arbitraryEvent({ known, kinds: [5, 62] })))
  fc.assert(
    fc.property(arbitraryKnownAndRequest, ([known, request]) => {
      const naive = tombstonesOfDeletion(request, []).map(({ target }) => target)
      expect(new Set(deletionTargets(request).map((target) => JSON.stringify(target)))).toEqual(
        new Set(naive.map((target) => JSON.stringify(target))),
      )
      const urls = ['wss://relay.example']
      const vanish = request.kind === 62 ? tombstonesOfVanish(request, urls).map(({ target }) => target) : []
      expect([vanishTarget(request, urls)].filter((target) => target !== null)).toEqual(vanish)
      for (const event of known) expect(floorLeftBy(event)).toEqual(floorAt(event))
    }),
  )
})
