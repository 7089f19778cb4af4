import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader, OPCODE } from './frame-reader.ts'

interface Sent {
  readonly opcode: number
  readonly payload: Buffer
  readonly isLast: boolean
}

/** A server's frame (RFC 6455, section 5.2), by the letter of it. */
function frame({ opcode, payload, isLast }: Sent): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode
  const { length } = payload
  const header =
    length < 126
      ? [first, length]
      : length < 65_536
        ? [first, 126, length >> 8, length & 0xff]
        : [first, 127, 0, 0, 0, 0, 0, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff]
  return Buffer.concat([Buffer.from(header), payload])
}

const text = (payload: string): Sent[] => [
  { opcode: OPCODE.text, payload: Buffer.from(payload), isLast: true },
]

/** A text in two frames, with a ping between them. */
const fragmented = (payload: string): Sent[] => [
  { opcode: OPCODE.text, payload: Buffer.from(payload).subarray(0, payload.length >> 1), isLast: false },
  { opcode: OPCODE.ping, payload: Buffer.from('?'), isLast: true },
  { opcode: OPCODE.continuation, payload: Buffer.from(payload).subarray(payload.length >> 1), isLast: true },
]

function read(chunks: readonly Buffer[]): { readonly texts: string[]; readonly pings: string[] } {
  const [texts, pings]: [string[], string[]] = [[], []]
  const reader = new FrameReader({
    onText: (bytes, start, end) => texts.push(bytes.toString('utf8', start, end)),
    onControl: (opcode, payload) => {
      if (opcode === OPCODE.ping) pings.push(String(payload))
    },
  })
  for (const chunk of chunks) {
    const scratch = Buffer.from(chunk)
    reader.feed(scratch)
    // The buffer belongs to the socket again.
    scratch.fill(0)
  }
  return { texts, pings }
}

const message = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000).map((length) => 'x'.repeat(length)),
)

test('messages come out whole however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(message, fc.boolean()), { maxLength: 8 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      (messages, cuts) => {
        const sent = messages.flatMap(([payload, isCut]) => (isCut ? fragmented(payload) : text(payload)))
        const stream = Buffer.concat(sent.map(frame))
        const at = [0, ...cuts.map((cut) => Math.floor(cut * stream.length)), stream.length].sort(
          (a, b) => a - b,
        )
        const chunks = at.slice(1).map((end, n) => stream.subarray(at[n], end))
        const { texts, pings } = read(chunks)
        expect(texts).toEqual(messages.map(([payload]) => payload))
        expect(pings).toHaveLength(messages.filter(([, isCut]) => isCut).length)
      },
    ),
    { numRuns: 300 },
  )
})

test('one byte after the other', () => {
  const stream = Buffer.concat([...text('first'), ...fragmented('second')].map(frame))
  expect(read([...stream].map((byte) => Buffer.from([byte]))).texts).toEqual(['first', 'second'])
})

test('what no server may send is refused', () => {
  const masked = Buffer.from([0x81, 0x80, 0, 0, 0, 0])
  const compressed = Buffer.from([0xc1, 0x00])
  const binary = Buffer.from([0x82, 0x00])
  const endless = Buffer.from([0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0])
  expect(() => read([masked])).toThrow(/masks/)
  expect(() => read([compressed])).toThrow(/extension/)
  expect(() => read([binary])).toThrow(/binary/)
  expect(() => read([endless])).toThrow(/frame of/)
})
