import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFile } from './byte-sink.ts'
import { type ByteSource, openFile, openStream } from './byte-source.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ctl-files-'))
})
afterEach(() => rm(folder, { recursive: true }))

const TEXT = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `line ${i} ü`).join('\n'))

async function contents(source: ByteSource): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of source.chunks) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const COMPRESSIONS: [string, (bytes: Buffer) => Buffer][] = [
  ['plain', (bytes) => bytes],
  ['gzip', gzipSync],
  [
    'several gzip members',
    (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, 9_999)), gzipSync(bytes.subarray(9_999))]),
  ],
  ['zstd', zstdCompressSync],
]

test.each(COMPRESSIONS)(
  '%s files read the same, whole and from an offset, whatever their name',
  async (_, compress) => {
    const path = join(folder, 'events')
    await writeFile(path, compress(TEXT))
    const source = await openFile(path)
    expect((await contents(source)).equals(TEXT)).toBe(true)
    expect(source.bytesRead()).toBe(source.bytesTotal)
    for (const from of [1, 70_001, TEXT.length - 1, TEXT.length])
      expect((await contents(await openFile(path, from))).equals(TEXT.subarray(from)), `from ${from}`).toBe(
        true,
      )
  },
)

test.each(COMPRESSIONS)('%s streams read the same, however they are cut', async (_, compress) => {
  const bytes = compress(TEXT)
  const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3)]
  expect((await contents(openStream(Readable.from(pieces, { objectMode: false })))).equals(TEXT)).toBe(true)
})

test('an empty file and an empty stream are empty', async () => {
  const path = join(folder, 'empty')
  await writeFile(path, '')
  expect(await contents(await openFile(path))).toHaveLength(0)
  expect(await contents(openStream(Readable.from([], { objectMode: false })))).toHaveLength(0)
})

test('a compressed file that ends too early gives its bytes, then an error', async () => {
  const path = join(folder, 'cut.gz')
  const whole = gzipSync(TEXT)
  await writeFile(path, whole.subarray(0, whole.length - 200))
  let bytes = 0
  const read = async () => {
    for await (const chunk of (await openFile(path)).chunks) bytes += chunk.length
  }
  await expect(read()).rejects.toThrow(/unexpected end of file/)
  expect(bytes).toBeGreaterThan(0)
})

test('a missing file is an error that names it', async () => {
  await expect(openFile(join(folder, 'none'))).rejects.toThrow(/none/)
})

test.each([
  ['plain.jsonl', (bytes: Buffer) => bytes],
  ['x.gz', gunzipSync],
  ['x.zst', zstdDecompressSync],
])('%s is written compressed by its name', async (name, decompress) => {
  const sink = createFile(join(folder, name))
  for (let at = 0; at < TEXT.length; at += 100_000)
    await sink.write(TEXT.subarray(at, at + 100_000).toString('latin1'))
  await sink.close()
  const written = decompress(await readFile(join(folder, name)))
  expect(written.toString('utf8')).toBe(TEXT.toString('latin1'))
})

test('a file that was given up has no name that anybody takes for whole', async () => {
  const sink = createFile(join(folder, 'half.jsonl'))
  await sink.write('half')
  await sink.abort()
  expect(await readdir(folder)).toEqual(['half.jsonl.partial'])
})

test('a file that cannot be written fails the write or the close', async () => {
  const sink = createFile(join(folder, 'no', 'such', 'folder.jsonl'))
  await expect(sink.write('x').then(() => sink.close())).rejects.toThrow(/ENOENT/)
})
