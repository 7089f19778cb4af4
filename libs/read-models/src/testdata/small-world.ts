import { hash } from 'node:crypto'
import type { Filter, NostrEvent } from '@millrace/nostr'
import fc from 'fast-check'

/** Few authors, kinds, tag values and seconds, so that random filters hit and versions collide. */
const hex = (text: string): string => hash('sha256', text, 'hex')

export const AUTHORS = ['a', 'b', 'c', 'd'].map((name) => hex(`author ${name}`))
export const KINDS_USED = [0, 1, 3, 4, 7, 13, 1059, 10_002, 30_023, 40_000]
const D_VALUES = ['', 'one', 'two "quoted"']
const T_VALUES = ['nostr', 'Ünïcode', 'tab\there', '\\', "quote ' and / slash"]
export const START_S = 1_700_000_000
/** Seconds in which everything is created. */
export const SPAN_S = 12

const author = fc.constantFrom(...AUTHORS)
const second = fc.integer({ min: START_S, max: START_S + SPAN_S })

const tag: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.tuple(fc.constant('t'), fc.constantFrom(...T_VALUES)),
  fc.tuple(fc.constant('p'), author),
  fc.tuple(fc.constant('d'), fc.constantFrom(...D_VALUES)),
  fc.tuple(
    fc.constant('e'),
    fc.constantFrom('x', 'y', 'z').map((name) => hex(name)),
    fc.constant('wss://relay.example'),
  ),
  fc.constantFrom(['t'], ['title', 'not a single letter'], ['e', 'not-hex'], ['-']),
)

const expiration = second.map((at) => ['expiration', String(at)])

/** Events of all stored kind classes. Ids are hashes, so equal fields are the same event; signatures are not valid. */
export const someEvent: fc.Arbitrary<NostrEvent> = fc
  .record({
    pubkey: author,
    created_at: second,
    kind: fc.constantFrom(...KINDS_USED),
    tags: fc.tuple(fc.array(tag, { maxLength: 4 }), fc.option(expiration, { freq: 6, nil: null })),
    content: fc.constantFrom('', 'note', 'line\nbreak "quoted" \\ \u0001 ✓ / \u2028'),
  })
  .map(({ tags: [tags, expires], ...rest }) => {
    const event = { ...rest, tags: withRecipient(rest.kind, expires === null ? tags : [...tags, expires]) }
    return { id: hex(JSON.stringify(event)), ...event, sig: hex('signature').repeat(2) }
  })

// A gift wrap without a recipient is refused before it gets anywhere near a reader.
const withRecipient = (kind: number, tags: readonly (readonly string[])[]) =>
  kind === 1059 ? [...tags, ['p', AUTHORS[0] ?? '']] : tags

const sublist = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 })

/** Filters over the same world; `ids` picks ids that exist. */
export const someFilter = (ids: readonly string[]): fc.Arbitrary<Filter> =>
  fc
    .record(
      {
        ids: ids.length === 0 ? fc.constant([]) : sublist(ids),
        authors: sublist(AUTHORS),
        kinds: sublist(KINDS_USED),
        since: second,
        until: second,
        limit: fc.integer({ min: 0, max: 8 }),
        t: sublist(T_VALUES),
        p: sublist(AUTHORS),
        d: sublist(D_VALUES),
      },
      { requiredKeys: [] },
    )
    .map(({ t, p, d, ...filter }) => ({
      ...filter,
      tags: { ...(t && { t }), ...(p && { p }), ...(d && { d }) },
    }))
