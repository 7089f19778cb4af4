import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FILE_START, type Line, type LineBatch, type LineLimits, lineBatches } from './lines.ts'

const LIMITS: LineLimits = { lineBytesMax: 40, batchLinesMax: 3, batchBytesMax: 100 }

async function* cut(bytes: Buffer, at: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0
  for (const to of [...at, bytes.length].map((n) => Math.min(n, bytes.length)).sort((a, b) => a - b)) {
    if (to > from) yield bytes.subarray(from, to)
    from = to
  }
}

async function collect(batches: AsyncIterable<LineBatch>): Promise<LineBatch[]> {
  const all: LineBatch[] = []
  for await (const batch of batches) all.push(batch)
  return all
}

/** The obvious way: everything in memory, split. */
function naive(bytes: Buffer, limits: LineLimits): Line[] {
  return bytes
    .toString('latin1')
    .split('\n')
    .map((text, index): Line => ({ number: index + 1, bytes: Buffer.from(text, 'latin1') }))
    .map((line) =>
      line.bytes !== null && line.bytes.length > limits.lineBytesMax ? { ...line, bytes: null } : line,
    )
    .filter(({ bytes: line }) => line === null || line.toString('latin1').replaceAll(/[ \t\r]/g, '') !== '')
}

const text = fc
  .array(
    fc.oneof(fc.string({ maxLength: 60 }), fc.constant(''), fc.constant(' \r'), fc.constant('x'.repeat(41))),
    { maxLength: 20 },
  )
  .chain((lines) => fc.boolean().map((ended) => Buffer.from(lines.join('\n') + (ended ? '\n' : ''))))

test('lines are those of a plain split, however the file is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(600), { maxLength: 8 }), async (bytes, at) => {
      const batches = await collect(lineBatches(cut(bytes, at), FILE_START, LIMITS))
      expect(batches.flatMap((batch) => batch.lines)).toEqual(naive(bytes, LIMITS))
      expect(batches.at(-1)?.next.offset).toBe(bytes.length)
      for (const { lines } of batches) expect(lines.length).toBeLessThanOrEqual(LIMITS.batchLinesMax)
    }),
  )
})

test('reading on from the end of any batch gives the rest', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (bytes) => {
      const batches = await collect(lineBatches(cut(bytes, []), FILE_START, LIMITS))
      for (const [at, { next }] of batches.entries()) {
        const rest = await collect(lineBatches(cut(bytes.subarray(next.offset), []), next, LIMITS))
        expect(rest.flatMap((batch) => batch.lines)).toEqual(
          batches.slice(at + 1).flatMap((batch) => batch.lines),
        )
      }
    }),
  )
})

test('a byte order mark belongs to no line', async () => {
  const [batch] = await collect(lineBatches(cut(Buffer.from('\ufeff{}\n'), []), FILE_START, LIMITS))
  expect(batch?.lines).toEqual([{ number: 1, bytes: Buffer.from('{}') }])
})
