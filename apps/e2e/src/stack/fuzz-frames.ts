import { sign, testKey } from '@millrace/testkit'

/** How the relay must react to a frame. `silent` is documented: CLOSE has no answer in NIP-01. */
export type Reaction = 'answer' | 'silent' | 'answer-or-close'

export interface FuzzFrame {
  readonly what: string
  readonly data: string | Uint8Array
  readonly reaction: Reaction
}

type Random = () => number

const pick = <T>(random: Random, items: readonly T[]): T => {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

const bytes = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => Math.floor(random() * 256))

const text = (random: Random, length: number): string =>
  String.fromCharCode(...Array.from(bytes(random, length), (byte) => 32 + (byte % 95)))

const key = testKey('fuzz')

const values: readonly ((random: Random) => unknown)[] = [
  () => null,
  () => -1,
  () => 1.5,
  () => Number.MAX_SAFE_INTEGER,
  () => 'x'.repeat(70_000),
  () => [],
  () => ({}),
  () => [[null]],
  () => true,
  () => '\u0000',
  () => '\ud800',
  (random) => text(random, 40),
  () => JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`),
]

/** A valid event with one field replaced by nonsense. */
function nearlyValidEvent(random: Random): unknown {
  const event = sign(
    { kind: pick(random, [1, 0, 3, 5, 7, 1059, 20_000, 30_023]), content: text(random, 20) },
    key,
  )
  const field = pick(random, ['id', 'pubkey', 'created_at', 'kind', 'tags', 'content', 'sig', 'nothing'])
  return field === 'nothing' ? event : { ...event, [field]: pick(random, values)(random) }
}

function nearlyValidFilter(random: Random): unknown {
  const field = pick(random, [
    'ids',
    'authors',
    'kinds',
    '#e',
    '#p',
    '#t',
    'since',
    'until',
    'limit',
    'search',
    '#',
    'x',
  ])
  return { kinds: [1], limit: 5, [field]: pick(random, values)(random) }
}

const makers: readonly ((random: Random) => FuzzFrame)[] = [
  (random) => ({
    what: 'random text',
    data: text(random, 1 + Math.floor(random() * 200)),
    reaction: 'answer',
  }),
  (random) => ({
    what: 'random JSON',
    data: JSON.stringify(pick(random, values)(random)),
    reaction: 'answer',
  }),
  (random) => ({
    what: 'unknown verb',
    data: JSON.stringify([text(random, 5), pick(random, values)(random)]),
    reaction: 'answer',
  }),
  (random) => ({
    what: 'near-valid EVENT',
    data: JSON.stringify(['EVENT', nearlyValidEvent(random)]),
    reaction: 'answer',
  }),
  (random) => ({
    what: 'near-valid REQ',
    data: JSON.stringify(['REQ', 'fuzz', nearlyValidFilter(random)]),
    reaction: 'answer',
  }),
  (random) => ({
    what: 'REQ with a strange id',
    data: JSON.stringify(['REQ', pick(random, values)(random), {}]),
    reaction: 'answer',
  }),
  () => ({ what: 'CLOSE', data: JSON.stringify(['CLOSE', 'fuzz']), reaction: 'silent' }),
  (random) => ({
    what: 'CLOSE with a strange id',
    data: JSON.stringify(['CLOSE', pick(random, values)(random)]),
    reaction: 'silent',
  }),
  (random) => ({
    what: 'AUTH with nonsense',
    data: JSON.stringify(['AUTH', nearlyValidEvent(random)]),
    reaction: 'answer',
  }),
  (random) => ({
    what: 'COUNT',
    data: JSON.stringify(['COUNT', 'fuzz', nearlyValidFilter(random)]),
    reaction: 'answer',
  }),
  () => ({
    what: 'deep nesting',
    data: `["REQ","deep",${'['.repeat(100_000)}${']'.repeat(100_000)}]`,
    reaction: 'answer',
  }),
  () => ({
    what: 'many tags',
    data: JSON.stringify([
      'EVENT',
      sign({ kind: 1, tags: Array.from({ length: 6_000 }, () => ['t', 'x']) }, key),
    ]),
    reaction: 'answer',
  }),
  (random) => ({ what: 'binary frame', data: bytes(random, 50), reaction: 'answer-or-close' }),
  () => ({
    what: 'oversized frame',
    data: `["EVENT",{"content":"${'x'.repeat(700_000)}"}]`,
    reaction: 'answer-or-close',
  }),
]

/** The next frame of a seeded stream of nonsense. */
export const fuzzFrame = (random: Random): FuzzFrame => pick(random, makers)(random)
