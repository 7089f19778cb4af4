import { createRequire } from 'node:module'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OutgoingRecord } from '../../port.ts'
import { crc32c } from './crc32c.ts'
import { decodeRecordBatches } from './record-batch-decoder.ts'
import { encodeRecordBatch } from './record-batch-encoder.ts'

const load = createRequire(import.meta.url)
const KafkajsDecoder = load('kafkajs/src/protocol/decoder')
const decodeWithKafkajs = load('kafkajs/src/protocol/recordBatch/v0/decoder')

const AT = { topic: 't', partition: 3 }
const IDENTITY = { producerId: 123_456_789_012n, producerEpoch: 7, firstSequence: 42 }
const NOW_MS = 1_700_000_000_123

const text = fc.string({ unit: 'grapheme', maxLength: 90 })
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const outgoingRecord: fc.Arbitrary<OutgoingRecord> = fc.record({
  topic: fc.constant(AT.topic),
  partition: fc.constant(AT.partition),
  key: fc.oneof(text, bytes),
  value: fc.option(bytes),
  // The prefix keeps clear of names that kafkajs's decoder finds on Object.prototype.
  headers: fc.dictionary(
    text.map((name) => `h-${name}`),
    text,
    { maxKeys: 4 },
  ),
})
const records = fc.array(outgoingRecord, { minLength: 1, maxLength: 140 })

/** Gives a batch the place in the log that a broker would. */
function placed(batch: Buffer, baseOffset: number): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(BigInt(baseOffset), 0)
  return copy
}

/** What compaction leaves of a batch: its header and offsets, without records. */
function emptied(batch: Buffer): Buffer {
  const header = Buffer.from(batch.subarray(0, 61))
  header.writeInt32BE(49, 8)
  header.writeInt32BE(0, 57)
  return header
}

function compressed(batch: Buffer, codec: number, compress: (bytes: Buffer) => Buffer): Buffer {
  const body = compress(batch.subarray(61))
  const out = Buffer.concat([batch.subarray(0, 61), body])
  out.writeInt32BE(49 + body.length, 8)
  out.writeInt16BE(codec, 21)
  return out
}

const plain = (record: OutgoingRecord) => ({
  key: Buffer.from(record.key).toString('hex'),
  value: record.value?.toString('hex') ?? null,
  headers: { ...record.headers },
})

describe('record batches', () => {
  test('what is encoded is decoded, at the offsets that the broker gave', () => {
    fc.assert(
      fc.property(records, fc.nat(2 ** 45), (given, baseOffset) => {
        const batch = placed(encodeRecordBatch(given, IDENTITY, NOW_MS), baseOffset)
        const decoded = decodeRecordBatches(batch, AT, baseOffset)
        expect(decoded.nextOffset).toBe(baseOffset + given.length)
        expect(decoded.records.map(({ offset }) => offset)).toEqual(
          given.map((_, index) => baseOffset + index),
        )
        expect(
          decoded.records.map(({ key, value, headers }) => ({
            key: key?.toString('hex'),
            value: value?.toString('hex') ?? null,
            headers: { ...headers },
          })),
        ).toEqual(given.map(plain))
        expect(decoded.records.every(({ timestampMs }) => timestampMs === NOW_MS)).toBe(true)
      }),
    )
  })

  test("kafkajs's own decoder reads the same", async () => {
    await fc.assert(
      fc.asyncProperty(records, async (given) => {
        const batch = encodeRecordBatch(given, IDENTITY, NOW_MS)
        const decoded = await decodeWithKafkajs(new KafkajsDecoder(batch))
        expect(decoded).toMatchObject({
          firstOffset: '0',
          lastOffsetDelta: given.length - 1,
          firstTimestamp: String(NOW_MS),
          producerId: String(IDENTITY.producerId),
          producerEpoch: 7,
          firstSequence: 42,
        })
        expect(
          decoded.records.map(
            (record: { key: Buffer; value: Buffer | null; headers: Record<string, Buffer> }) => ({
              key: record.key.toString('hex'),
              value: record.value?.toString('hex') ?? null,
              headers: Object.fromEntries(Object.entries(record.headers).map(([k, v]) => [k, v.toString()])),
            }),
          ),
        ).toEqual(given.map(plain))
      }),
      { numRuns: 50 },
    )
  })

  test('emptied and cut-off batches: the next offset passes the former and waits for the latter', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(records, fc.boolean()), { minLength: 1, maxLength: 6 }),
        fc.nat(200),
        fc.nat(60),
        (runs, skip, cut) => {
          let end = 0
          const batches = runs.map(([given, isEmptied]) => {
            const batch = placed(encodeRecordBatch(given, IDENTITY, NOW_MS), end)
            const start = end
            end += given.length
            return {
              start,
              end,
              bytes: isEmptied ? emptied(batch) : batch,
              kept: isEmptied ? 0 : given.length,
            }
          })
          const whole = Buffer.concat(batches.map((batch) => batch.bytes))
          const last = batches.at(-1)
          const shown = cut === 0 ? batches : batches.slice(0, -1)
          const response =
            cut === 0 ? whole : whole.subarray(0, whole.length - Math.min(cut, last?.bytes.length ?? 0))
          const fetchOffset = Math.min(skip, batches[0]?.end ?? 0)
          const decoded = decodeRecordBatches(response, AT, fetchOffset)
          expect(decoded.nextOffset).toBe(Math.max(fetchOffset, shown.at(-1)?.end ?? 0))
          const expected = shown.flatMap(({ start, kept }) =>
            Array.from({ length: kept }, (_, i) => start + i),
          )
          expect(decoded.records.map(({ offset }) => offset)).toEqual(
            expected.filter((o) => o >= fetchOffset),
          )
        },
      ),
    )
  })

  test.each([
    ['gzip', 1, gzipSync],
    ['zstd', 4, zstdCompressSync],
  ] as const)('%s is read', (_, codec, compress) => {
    const given = [{ ...AT, key: 'a', value: Buffer.alloc(500, 'x') }]
    const batch = compressed(encodeRecordBatch(given, IDENTITY, NOW_MS), codec, (body) => compress(body))
    expect(decodeRecordBatches(batch, AT, 0).records[0]?.value?.length).toBe(500)
  })

  test('a codec that is not read is named', () => {
    const given = [{ ...AT, key: 'a', value: null }]
    const batch = compressed(encodeRecordBatch(given, IDENTITY, NOW_MS), 3, (body) => body)
    expect(() => decodeRecordBatches(batch, AT, 0)).toThrow(/compression 3 is not read/)
  })

  test('with LogAppendTime every record has the time of its batch', () => {
    const batch = encodeRecordBatch([{ ...AT, key: 'a', value: null }], IDENTITY, NOW_MS)
    batch.writeInt16BE(0x08, 21)
    batch.writeBigInt64BE(1_800_000_000_000n, 35)
    expect(decodeRecordBatches(batch, AT, 0).records[0]?.timestampMs).toBe(1_800_000_000_000)
  })

  test('a control batch gives no records and counts', () => {
    const batch = placed(encodeRecordBatch([{ ...AT, key: 'a', value: null }], IDENTITY, NOW_MS), 9)
    batch.writeInt16BE(0x20, 21)
    expect(decodeRecordBatches(batch, AT, 9)).toEqual({ records: [], nextOffset: 10 })
  })

  test('random bytes never hang and never crash otherwise than by an Error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (random) => {
        try {
          decodeRecordBatches(Buffer.from(random), AT, 0)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
    )
  })
})

describe('crc32c', () => {
  test('the check value of the polynomial', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283)
  })

  test('is the same from any start, byte by byte or in words', () => {
    const reference = load('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (array, start) => {
        const given = Buffer.from(array)
        const from = Math.min(start, given.length)
        expect(crc32c(given, from, given.length)).toBe(reference(given.subarray(from)) >>> 0)
      }),
    )
  })
})
