import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { crc32c } from '../kafkajs/protocol/crc32c.ts'
import { encodeRecordBatch } from '../kafkajs/protocol/record-batch-encoder.ts'
import { readSegments, type SegmentRecord } from './read-segments.ts'
import { listSegmentFiles } from './segment-files.ts'

const TOPIC = 'nostr.events.v1'
const NOW_MS = 1_700_000_000_123
const IDENTITY = { producerId: 1n, producerEpoch: 0, firstSequence: 0 }
const SEGMENT = `${'0'.repeat(20)}.log`
const NEXT = `${'0'.repeat(18)}50.log`

let logDir: string
beforeEach(() => {
  logDir = mkdtempSync(join(tmpdir(), 'segments-'))
})
afterEach(() => rmSync(logDir, { recursive: true, force: true }))

const put = (file: string, ...parts: readonly Buffer[]) => {
  mkdirSync(dirname(join(logDir, file)), { recursive: true })
  writeFileSync(join(logDir, file), Buffer.concat(parts))
}

/** A batch as the broker stores it; `codec` with `compress` and other attributes as asked for. */
function batch(
  baseOffset: number,
  values: readonly (string | null)[],
  attributes = 0,
  compress = (body: Buffer) => body,
): Buffer {
  const records = values.map((value, index) => ({
    topic: TOPIC,
    partition: 0,
    key: `k${baseOffset + index}`,
    value: value === null ? null : Buffer.from(value),
  }))
  const plain = encodeRecordBatch(records, IDENTITY, NOW_MS)
  const stored = Buffer.concat([plain.subarray(0, 61), compress(plain.subarray(61))])
  stored.writeBigInt64BE(BigInt(baseOffset), 0)
  stored.writeInt32BE(stored.length - 12, 8)
  stored.writeInt16BE(attributes, 21)
  stored.writeUInt32BE(crc32c(stored, 21, stored.length), 17)
  return stored
}

async function read(topics: readonly string[] = [TOPIC], onRecord = (_: SegmentRecord) => {}) {
  const records: SegmentRecord[] = []
  const result = await readSegments({ logDir, topics }, (record) => {
    records.push(record)
    onRecord(record)
  })
  return { ...result, values: records.map(({ value }) => value?.toString() ?? '∅'), shown: records }
}

test('tells where each record lies', async () => {
  put(`${TOPIC}-0/${SEGMENT}`, batch(0, ['a', null]))
  put(`${TOPIC}-11/${NEXT}`, batch(50, ['b']))
  const { shown, problems, files, records } = await read()
  expect(shown.map(({ key, value, ...rest }) => ({ ...rest, key: `${key}`, value: `${value}` }))).toEqual([
    {
      topic: TOPIC,
      partition: 0,
      file: `${TOPIC}-0/${SEGMENT}`,
      offset: 0,
      timestampMs: NOW_MS,
      key: 'k0',
      value: 'a',
    },
    {
      topic: TOPIC,
      partition: 0,
      file: `${TOPIC}-0/${SEGMENT}`,
      offset: 1,
      timestampMs: NOW_MS,
      key: 'k1',
      value: 'null',
    },
    {
      topic: TOPIC,
      partition: 11,
      file: `${TOPIC}-11/${NEXT}`,
      offset: 50,
      timestampMs: NOW_MS,
      key: 'k50',
      value: 'b',
    },
  ])
  expect({ problems, files, records }).toEqual({ problems: [], files: 2, records: 3 })
})

test('every suffix of a segment, every name of a partition, and nothing of other topics', async () => {
  const suffixes = ['', '.deleted', '.cleaned', '.swap', '.swap.deleted', '.cleaned.deleted']
  for (const suffix of suffixes) put(`${TOPIC}-0/${SEGMENT}${suffix}`, batch(0, [`file${suffix}`]))
  const folders = ['delete', 'future', 'stray'].map(
    (state) => `${TOPIC}-3.0f8e1c2d3b4a59687786950413223140-${state}`,
  )
  for (const folder of folders) put(`${folder}/${SEGMENT}`, batch(0, [folder.slice(-6)]))
  for (const other of [`${TOPIC}.more-0`, `${TOPIC}-x-0`, `${TOPIC}-0-1`, 'other-0', `a${TOPIC}-0`])
    put(`${other}/${SEGMENT}`, batch(0, ['another topic']))
  for (const name of ['leader-epoch-checkpoint', '00000000000000000000.index', 'notes.log'])
    put(`${TOPIC}-0/${name}`, Buffer.from('no segment'))
  const { values, problems } = await read()
  expect(values.sort()).toEqual(
    [...suffixes.map((suffix) => `file${suffix}`), 'delete', 'future', '-stray'].sort(),
  )
  expect(problems).toEqual([])
  const { files } = await listSegmentFiles({ logDir, topics: [TOPIC] })
  expect(files.map(({ partition }) => partition).sort()).toEqual([0, 0, 0, 0, 0, 0, 3, 3, 3])
})

test('gzip and zstd are read; what is not is reported, and the batches around it are read', async () => {
  put(`${TOPIC}-0/${SEGMENT}`, batch(0, ['gzip'], 1, gzipSync), batch(1, ['zstd'], 4, zstdCompressSync))
  put(`${TOPIC}-1/${SEGMENT}`, batch(0, ['before']), batch(1, ['lz4'], 3), batch(2, ['after']))
  const { values, problems } = await read()
  expect(values).toEqual(['gzip', 'zstd', 'before', 'after'])
  expect(problems).toEqual([
    { file: `${TOPIC}-1/${SEGMENT}`, problem: expect.stringContaining('compression 3 is not read') },
  ])
})

test('control batches and batches that the cleaner emptied have no records', async () => {
  const control = batch(1, ['marker'], 0x30)
  put(`${TOPIC}-0/${SEGMENT}`, batch(0, ['a']), control, batch(2, []), batch(3, ['b']))
  expect(await read()).toMatchObject({ values: ['a', 'b'], problems: [] })
})

test('the newest segment may end within a batch, an older one may not', async () => {
  const torn = batch(1, ['cut off']).subarray(0, 65)
  put(`${TOPIC}-0/${SEGMENT}`, batch(0, ['whole']), torn)
  put(`${TOPIC}-0/${SEGMENT}.cleaned`, batch(0, ['being cleaned']), torn.subarray(0, 30))
  expect(await read()).toMatchObject({
    values: ['whole', 'being cleaned'],
    tornFiles: [`${TOPIC}-0/${SEGMENT}`, `${TOPIC}-0/${SEGMENT}.cleaned`],
    problems: [],
  })
  put(`${TOPIC}-0/${NEXT}`, batch(50, ['newer']))
  expect((await read()).problems).toEqual([
    {
      file: `${TOPIC}-0/${SEGMENT}`,
      problem: 'ends within a record batch, 65 bytes after the last whole one',
    },
  ])
})

test('garbage is reported, never thrown', async () => {
  const damaged = batch(1, ['damaged'])
  damaged[damaged.length - 3] = 0xff
  const old = Buffer.alloc(80)
  old.writeInt32BE(68, 8)
  old.writeInt8(1, 16)
  put(`${TOPIC}-0/${SEGMENT}`, Buffer.alloc(4096))
  put(`${TOPIC}-1/${SEGMENT}`, batch(0, ['a']), damaged, batch(2, ['c']))
  put(`${TOPIC}-2/${SEGMENT}`, old)
  put(`${TOPIC}-3/${SEGMENT}`, Buffer.alloc(5000, 0xa7))
  put(`${TOPIC}-4/${SEGMENT}`, batch(0, ['no gzip'], 1))
  mkdirSync(join(logDir, `${TOPIC}-5/${SEGMENT}`), { recursive: true })
  const { values, problems } = await read()
  expect(values).toEqual(['a', 'c'])
  expect(problems.map(({ file, problem }) => `${file.split('/')[0]?.slice(-1)}: ${problem}`).sort()).toEqual([
    '0: no record batch at byte 0',
    '1: a record batch at offset 1 has a wrong checksum',
    '2: record format 1 at byte 0 is not read (2 is)',
    '3: no record batch at byte 0',
    expect.stringContaining('4: '),
    '5: EISDIR',
  ])
  rmSync(logDir, { recursive: true })
  expect((await read()).problems).toEqual([{ file: '.', problem: 'ENOENT' }])
})

test('batches across chunks of a file, and one larger than a chunk', async () => {
  const large = 'x'.repeat(3 * 1024 * 1024)
  const values = Array.from({ length: 3000 }, (_, index) => `${index}`.padEnd(700, '.'))
  put(`${TOPIC}-0/${SEGMENT}`, ...values.map((value, index) => batch(index, [value])), batch(3000, [large]))
  const { shown, problems, bytes } = await read()
  expect(shown.map(({ offset }) => offset)).toEqual(Array.from({ length: 3001 }, (_, index) => index))
  expect(shown.map(({ value }) => `${value}`)).toEqual([...values, large])
  expect(problems).toEqual([])
  expect(bytes).toBeGreaterThan(5_000_000)
})

test('files that the broker renames meanwhile are found under their new names, once each', async () => {
  const at = (name: string) => join(logDir, `${TOPIC}-0`, name)
  put(`${TOPIC}-0/${SEGMENT}`, batch(0, ['old 1']))
  put(`${TOPIC}-0/${NEXT}`, batch(50, ['old 2']))
  put(`${TOPIC}-0/${SEGMENT}.cleaned`, batch(0, ['half']))
  // Opens the listing's first file, and the cleaner gets ready while its record is shown.
  let isDone = false
  const { values, problems } = await read([TOPIC], () => {
    if (isDone) return
    isDone = true
    appendFileSync(at(`${SEGMENT}.cleaned`), batch(50, ['the other half']))
    renameSync(at(SEGMENT), at(`${SEGMENT}.deleted`))
    renameSync(at(NEXT), at(`${NEXT}.deleted`))
    renameSync(at(`${SEGMENT}.cleaned`), at(SEGMENT))
  })
  expect(values.sort()).toEqual(['half', 'old 1', 'old 2', 'the other half'])
  expect(problems).toEqual([])
})

test('what the cleaner was writing is read again when it is whole', async () => {
  const at = (name: string) => join(logDir, `${TOPIC}-0`, name)
  put(`${TOPIC}-0/${SEGMENT}.cleaned`, batch(0, ['half']))
  put(`${TOPIC}-1/${SEGMENT}`, batch(0, ['elsewhere']))
  let shown = 0
  const { values } = await read([TOPIC], () => {
    if (++shown !== 2) return
    appendFileSync(at(`${SEGMENT}.cleaned`), batch(50, ['the other half']))
    renameSync(at(`${SEGMENT}.cleaned`), at(SEGMENT))
  })
  expect(values.slice(-2)).toEqual(['half', 'the other half'])
})

test('what the reader of records throws is thrown', async () => {
  put(`${TOPIC}-0/${SEGMENT}`, batch(0, ['a']))
  const refuse = () => {
    throw new Error('enough')
  }
  await expect(read([TOPIC], refuse)).rejects.toThrow('enough')
})
