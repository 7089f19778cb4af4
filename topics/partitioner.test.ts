import { readFileSync } from 'node:fs'
import { type NostrEvent, ownerOf } from '@millrace/nostr'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTickKey, murmur2, partitionOfOwner, TICK_KEY_PREFIX } from './partitioner.ts'

interface Vector {
  /** Hex. */
  readonly bytes: string
  /** Kafka's Utils.murmur2, signed 32 bits. */
  readonly murmur2: number
  /** Kafka's Utils.toPositive of it. */
  readonly positive: number
}

const vectors = JSON.parse(
  readFileSync(new URL('./vectors/murmur2.json', import.meta.url), 'utf8'),
) as readonly Vector[]

const owners = vectors
  .map((vector) => ({ ...vector, owner: Buffer.from(vector.bytes, 'hex').toString('latin1') }))
  .filter(({ owner }) => /^[0-9a-f]{64}$/.test(owner))

test('murmur2 is that of Kafka, for every length and for bytes above 127', () => {
  expect(vectors.length).toBeGreaterThan(90)
  for (const { bytes, murmur2: expected } of vectors)
    expect(murmur2(Buffer.from(bytes, 'hex')), bytes).toBe(expected)
})

test.each([1, 2, 8, 12, 32, 1_000])('over %i partitions an owner lies where Kafka would put the key', (n) => {
  expect(owners.length).toBeGreaterThan(60)
  for (const { owner, positive } of owners) expect(partitionOfOwner(owner, n), owner).toBe(positive % n)
})

test('owners spread over the partitions', () => {
  const counts = new Map<number, number>()
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      const partition = partitionOfOwner(Buffer.from(key).toString('hex'), 8)
      expect(partition).toBeGreaterThanOrEqual(0)
      expect(partition).toBeLessThan(8)
      counts.set(partition, (counts.get(partition) ?? 0) + 1)
    }),
    { numRuns: 2_000, seed: 1 },
  )
  expect(counts.size).toBe(8)
  expect(Math.min(...counts.values())).toBeGreaterThan(100)
})

describe('whose partition an event lies in', () => {
  const [first, second, third] = owners as [
    (typeof owners)[number],
    (typeof owners)[number],
    (typeof owners)[number],
  ]
  const place = (event: Pick<NostrEvent, 'kind' | 'pubkey' | 'tags'>): number | string => {
    const owner = ownerOf(event)
    return owner.ok ? partitionOfOwner(owner.value, 1_000) : owner.fault.code
  }
  const of = (vector: Vector): number => vector.positive % 1_000
  const wrap = (tags: string[][], kind = 1059) => ({ kind, pubkey: first.owner, tags })

  test.each([0, 1, 4, 5, 13, 62, 20_001, 30_023])('kind %i: its author, whomever it names', (kind) => {
    const tags = [['p', second.owner]]
    expect(place({ kind, pubkey: first.owner, tags })).toBe(of(first))
    expect(place({ kind, pubkey: first.owner, tags: [] })).toBe(of(first))
  })

  test.each([1059, 21_059])('kind %i: the recipient in the first valid p tag', (kind) => {
    expect(place(wrap([['p', second.owner]], kind))).toBe(of(second))
    expect(
      place(
        wrap(
          [
            ['p', second.owner],
            ['p', third.owner],
          ],
          kind,
        ),
      ),
    ).toBe(of(second))
    expect(
      place(
        wrap(
          [
            ['p', third.owner, 'wss://r'],
            ['p', second.owner],
          ],
          kind,
        ),
      ),
    ).toBe(of(third))
    const invalidFirst = [['p'], ['p', 'x'], ['p', second.owner.toUpperCase()], ['e', second.owner]]
    expect(place(wrap([...invalidFirst, ['p', third.owner]], kind))).toBe(of(third))
  })

  test('a gift wrap without a valid p tag has no partition', () => {
    expect(place(wrap([]))).toBe('event-owner-missing')
    expect(
      place(
        wrap([
          ['p', 'nobody'],
          ['P', second.owner],
        ]),
      ),
    ).toBe('event-owner-missing')
  })
})

test('tick keys are told from event ids', () => {
  expect(isTickKey(Buffer.from(`${TICK_KEY_PREFIX}3`))).toBe(true)
  expect(isTickKey(Buffer.from(TICK_KEY_PREFIX))).toBe(true)
  for (const key of ['', '~tick', 'tick:3', 'a'.repeat(64)])
    expect(isTickKey(Buffer.from(key)), key).toBe(false)
  expect(isTickKey(null)).toBe(false)
})
