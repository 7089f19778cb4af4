import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { PassThrough, type Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'

/** The bytes of a file or of stdin, decompressed, with an eye on how much of the file has been read. */
export interface ByteSource {
  readonly chunks: AsyncIterable<Buffer>
  /** Size on disk, compressed as it is; null where it is not known (stdin). */
  readonly bytesTotal: number | null
  /** Bytes read from disk so far. */
  bytesRead(): number
}

const MAGIC_BYTES = 4

/** Decompression by what the bytes say, not by what the name says: stdin has none. */
function decompressorFor(head: Buffer): Transform {
  if (head[0] === 0x1f && head[1] === 0x8b) return createGunzip()
  if (head.length >= MAGIC_BYTES && head.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress()
  return new PassThrough()
}

/** What of a file only its bytes tell is wrong: it ends too early, or is not what its first bytes say. */
export class DamagedFile extends Error {
  constructor(name: string, cause: Error) {
    super(`${name} cannot be decompressed, it is cut off or damaged: ${cause.message}`, { cause })
    this.name = 'DamagedFile'
  }
}

/** Opens a file; `from` skips that many decompressed bytes (a resumed import). */
export async function openFile(path: string, from = 0): Promise<ByteSource> {
  const { size } = await stat(path)
  const handle = await open(path)
  const head = Buffer.alloc(MAGIC_BYTES)
  const { bytesRead: headBytes } = await handle.read(head, 0, MAGIC_BYTES, 0)
  await handle.close()
  const decompressor = decompressorFor(head.subarray(0, headBytes))
  const plain = decompressor instanceof PassThrough
  const start = plain ? Math.min(from, size) : 0
  const file = createReadStream(path, { start, highWaterMark: 256 * 1024 })
  const chunks = through(path, file, decompressor)
  return {
    chunks: plain ? chunks : skipping(chunks, from),
    bytesTotal: size,
    bytesRead: () => start + file.bytesRead,
  }
}

/** Reads a stream such as stdin. */
export function openStream(stream: Readable): ByteSource {
  return { chunks: sniffed(stream), bytesTotal: null, bytesRead: () => 0 }
}

/** Errors of either stream surface where the chunks are read. */
async function* through(name: string, from: Readable, transform: Transform): AsyncGenerator<Buffer> {
  const done = pipeline(from, transform)
  done.catch(() => {})
  try {
    for await (const chunk of transform) yield chunk as Buffer
    await done
  } catch (cause) {
    throw isOfZlib(cause) ? new DamagedFile(name, cause) : cause
  }
}

const isOfZlib = (cause: unknown): cause is Error =>
  cause instanceof Error && /^(Z_|ZSTD_)/.test((cause as NodeJS.ErrnoException).code ?? '')

async function* skipping(chunks: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let rest = count
  for await (const chunk of chunks) {
    if (rest >= chunk.length) rest -= chunk.length
    else {
      yield rest === 0 ? chunk : chunk.subarray(rest)
      rest = 0
    }
  }
}

async function* sniffed(stream: Readable): AsyncGenerator<Buffer> {
  const head: Buffer[] = []
  let headBytes = 0
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    head.push(chunk as Buffer)
    headBytes += (chunk as Buffer).length
    if (headBytes >= MAGIC_BYTES) break
  }
  const first = Buffer.concat(head)
  const decompressor = decompressorFor(first)
  stream.unshift(first)
  yield* through('stdin', stream, decompressor)
}
