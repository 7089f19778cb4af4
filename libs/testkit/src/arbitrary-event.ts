import * as fc from 'fast-check'
import { type SignedEvent, testKey, unsigned } from './signer.ts'

/** A small world, so that random histories collide: authors meet, versions tie, references hit. */
export const AUTHORS: readonly string[] = ['a', 'b', 'c', 'd'].map((seed) => testKey(seed).pubkey)

/** Kinds of every class, the edges of their ranges and all those with rules of their own. */
export const KINDS_OF_INTEREST: readonly number[] = [
  0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 44, 45, 62, 999, 1000, 1059, 9735, 9999, 10000, 10002, 19999, 20000,
  21059, 22242, 27235, 29999, 30000, 30023, 39999, 40000, 65535,
]

/** Base of created_at in arbitrary events, seconds; a few dozen seconds follow it, so that ties are frequent. */
export const EPOCH_S = 1_700_000_000
export const SPAN_S = 40

export const arbitraryAuthor: fc.Arbitrary<string> = fc.constantFrom(...AUTHORS)

export const arbitraryCreatedAt: fc.Arbitrary<number> = fc.integer({ min: EPOCH_S, max: EPOCH_S + SPAN_S })

const arbitraryText = fc.oneof(
  fc.constantFrom(
    '',
    'x',
    'nostr',
    '\u0000\u0001\u001f',
    '\u007f\u2028\u2029',
    '"\\/\b\f\n\r\t',
    '🦩é漢',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

const arbitraryTag = (known: readonly SignedEvent[]): fc.Arbitrary<string[]> =>
  fc
    .oneof(
      fc.tuple(fc.constant('p'), arbitraryAuthor),
      fc.tuple(fc.constant('p'), arbitraryAuthor, fc.constant('wss://relay.example')),
      fc.tuple(fc.constant('d'), fc.constantFrom('', 'one', 'two', 'with:colon')),
      fc.tuple(fc.constantFrom('t', 'T', 'e', 'd', 'p', 'client'), arbitraryText),
      fc.tuple(fc.constant('expiration'), arbitraryExpiration),
      fc.tuple(fc.constantFrom('-', 'd', 'p', 'e', 't', 'expiration')),
      fc.tuple(fc.constant('relay'), fc.constantFrom('ALL_RELAYS', 'wss://relay.example')),
      ...(known.length === 0
        ? []
        : [fc.tuple(fc.constant('e'), fc.constantFrom(...known.map(({ id }) => id)))]),
      ...(known.length === 0 ? [] : [fc.tuple(fc.constant('a'), fc.constantFrom(...known.map(addressLike)))]),
    )
    .map((tag) => [...tag])

const addressLike = ({ kind, pubkey, tags }: SignedEvent): string =>
  `${kind}:${pubkey}:${kind >= 30_000 ? (tags.find(([name]) => name === 'd')?.[1] ?? '') : ''}`

const arbitraryExpiration = fc.oneof(
  fc.integer({ min: EPOCH_S - 5, max: EPOCH_S + SPAN_S + 5 }).map(String),
  fc.constantFrom('', 'soon', '-1', '1.5', '1e3', ' 1', '99999999999999999999', '9007199254740991'),
)

export interface ArbitraryEventOptions {
  readonly kinds?: readonly number[]
  /** Events that `e` and `a` tags may name. */
  readonly known?: readonly SignedEvent[]
}

/** A well-formed event with its right id and a signature of zeros. */
export function arbitraryEvent({
  kinds = KINDS_OF_INTEREST,
  known = [],
}: ArbitraryEventOptions = {}): fc.Arbitrary<SignedEvent> {
  return fc
    .record({
      kind: fc.constantFrom(...kinds),
      created_at: arbitraryCreatedAt,
      tags: fc.array(arbitraryTag(known), { maxLength: 5 }),
      content: arbitraryText,
      pubkey: arbitraryAuthor,
    })
    .map(({ pubkey, ...template }) => unsigned(template, pubkey))
}

/** Events in the order of their arrival, some twice; later ones may refer to earlier ones, as deletions do. */
export const arbitraryHistory = (options: { maxLength?: number } = {}): fc.Arbitrary<SignedEvent[]> =>
  fc.array(arbitraryEvent(), { maxLength: options.maxLength ?? 20 }).chain((first) =>
    fc
      .array(arbitraryEvent({ known: first, kinds: [5, 5, 5, 62, 1, 0, 30023] }), {
        maxLength: options.maxLength ?? 20,
      })
      .chain((second) => {
        const all = [...first, ...second]
        return fc.shuffledSubarray([...all, ...first.slice(0, 3)], { minLength: all.length })
      }),
  )

/** A value that is nearly an event, and what is wrong with it. */
export interface BrokenEvent {
  readonly value: unknown
  readonly why: string
}

type Break = readonly [why: string, change: (event: SignedEvent) => unknown]

const BREAKS: readonly Break[] = [
  ['not an object', () => 'event'],
  ['null', () => null],
  ['an array', (event) => [event]],
  ...(['id', 'pubkey', 'created_at', 'kind', 'tags', 'content', 'sig'] as const).map(
    (field): Break => [`without ${field}`, ({ [field]: _, ...rest }) => rest],
  ),
  ['short id', (event) => ({ ...event, id: event.id.slice(1) })],
  ['uppercase id', (event) => ({ ...event, id: `A${event.id.slice(1)}` })],
  ['id with a line break', (event) => ({ ...event, id: `${event.id}\n` })],
  ['uppercase pubkey', (event) => ({ ...event, pubkey: `F${event.pubkey.slice(1)}` })],
  ['pubkey with a prefix', (event) => ({ ...event, pubkey: `02${event.pubkey}` })],
  ['short sig', (event) => ({ ...event, sig: event.sig.slice(2) })],
  ['sig that is no hex', (event) => ({ ...event, sig: `g${event.sig.slice(1)}` })],
  ['created_at as text', (event) => ({ ...event, created_at: String(event.created_at) })],
  ['created_at with a fraction', (event) => ({ ...event, created_at: event.created_at + 0.5 })],
  ['negative created_at', (event) => ({ ...event, created_at: -1 })],
  ['created_at past 2^53', (event) => ({ ...event, created_at: 2 ** 53 })],
  ['kind past 65535', (event) => ({ ...event, kind: 65_536 })],
  ['negative kind', (event) => ({ ...event, kind: -1 })],
  ['kind with a fraction', (event) => ({ ...event, kind: 1.5 })],
  ['kind as text', (event) => ({ ...event, kind: '1' })],
  ['content null', (event) => ({ ...event, content: null })],
  ['content an object', (event) => ({ ...event, content: {} })],
  ['content with half a surrogate pair', (event) => ({ ...event, content: `${event.content}\ud83e` })],
  ['tags an object', (event) => ({ ...event, tags: {} })],
  ['a tag null', (event) => ({ ...event, tags: [...event.tags, null] })],
  ['a tag a string', (event) => ({ ...event, tags: [...event.tags, 'p'] })],
  ['a tag empty', (event) => ({ ...event, tags: [...event.tags, []] })],
  ['null in a tag', (event) => ({ ...event, tags: [...event.tags, ['p', null]] })],
  ['a number in a tag', (event) => ({ ...event, tags: [...event.tags, ['expiration', 1]] })],
  ['a nested tag', (event) => ({ ...event, tags: [...event.tags, ['p', ['p']]] })],
  ['a tag with half a surrogate pair', (event) => ({ ...event, tags: [...event.tags, ['t', '\udd9a']] })],
]

/** Near-valid events, each broken in one named way. */
export const arbitraryBrokenEvent: fc.Arbitrary<BrokenEvent> = fc
  .tuple(arbitraryEvent(), fc.constantFrom(...BREAKS))
  .map(([event, [why, change]]) => ({ value: change(event), why }))
