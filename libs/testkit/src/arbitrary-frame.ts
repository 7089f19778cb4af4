import * as fc from 'fast-check'
import { arbitraryBrokenEvent, arbitraryEvent } from './arbitrary-event.ts'
import { arbitraryFilter } from './arbitrary-filter.ts'

const arbitraryVerb = fc.oneof(
  fc.constantFrom('EVENT', 'REQ', 'CLOSE', 'AUTH', 'COUNT', 'event', 'REQ ', 'NEG-OPEN', '__proto__', ''),
  fc.string({ maxLength: 6 }),
)

const arbitrarySubscriptionId = fc.oneof(
  fc.constantFrom('s', '', 'x'.repeat(64), 'x'.repeat(65), '🦩'.repeat(64), '"\\\n', '\ud800'),
  fc.jsonValue({ maxDepth: 1 }),
)

const arbitraryPart = fc.oneof(
  arbitraryEvent(),
  arbitraryBrokenEvent.map(({ value }) => value),
  arbitraryFilter(),
  arbitrarySubscriptionId,
  fc.jsonValue({ maxDepth: 3 }),
)

const arbitraryMessage = fc
  .tuple(fc.oneof(arbitraryVerb, fc.jsonValue({ maxDepth: 1 })), fc.array(arbitraryPart, { maxLength: 4 }))
  .map(([verb, parts]) => JSON.stringify([verb, ...parts]))

const arbitraryProper = fc
  .oneof(
    fc.tuple(fc.constantFrom('EVENT', 'AUTH'), arbitraryPart),
    fc.tuple(fc.constantFrom('REQ', 'COUNT'), fc.constantFrom('s', 't'), arbitraryFilter(), arbitraryPart),
    fc.tuple(fc.constant('CLOSE'), fc.constantFrom('s', 't')),
  )
  .map((message) => JSON.stringify(message))

/** JSON with a piece cut out, doubled or replaced: what a buggy or hostile client sends. */
const arbitraryMutilated = fc
  .record({
    text: arbitraryMessage,
    at: fc.nat(),
    length: fc.nat(12),
    junk: fc.string({ unit: 'binary', maxLength: 4 }),
  })
  .map(({ text, at, length, junk }) => {
    const start = at % text.length
    return text.slice(0, start) + junk + text.slice(start + length)
  })

const arbitraryNested = fc
  .record({ depth: fc.integer({ min: 1, max: 50_000 }), open: fc.constantFrom('[', '{"a":') })
  .map(({ depth, open }) => open.repeat(depth))

/** Text frames from near-valid messages to noise, for fuzzing whatever reads them. */
export const arbitraryFrame: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: arbitraryProper },
  { weight: 3, arbitrary: arbitraryMessage },
  { weight: 4, arbitrary: arbitraryMutilated },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  { weight: 1, arbitrary: arbitraryNested },
)
