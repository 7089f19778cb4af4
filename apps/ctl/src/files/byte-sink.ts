import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { PassThrough, type Transform, type Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'

/** Where a command's lines go: a file, compressed by its name, or a stream such as stdout. */
export interface ByteSink {
  /** Waits while the other side is full. Rejects when it failed. */
  write(text: string): Promise<void>
  /** Everything is written; a file gets its name only now, so that a half-written one is never taken for whole. */
  close(): Promise<void>
  /** Gives up; the half-written file keeps its `.partial` name. */
  abort(): Promise<void>
}

const compressorFor = (path: string): Transform => {
  if (path.endsWith('.gz')) return createGzip()
  if (path.endsWith('.zst')) return createZstdCompress()
  return new PassThrough()
}

export function createFile(path: string): ByteSink {
  const partial = `${path}.partial`
  const file = createWriteStream(partial)
  const compressor = compressorFor(path)
  compressor.pipe(file)
  const fileDone = finished(file)
  fileDone.catch((cause: Error) => compressor.destroy(cause))
  return {
    write: (text) => push(compressor, text),
    close: async () => {
      compressor.end()
      await fileDone
      await rename(partial, path)
    },
    abort: async () => {
      compressor.destroy()
      file.destroy()
      await fileDone.catch(() => {})
    },
  }
}

/** A stream that is not ours to end. */
export function toStream(stream: NodeJS.WritableStream): ByteSink {
  return { write: (text) => push(stream as Writable, text), close: async () => {}, abort: async () => {} }
}

function push(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (failure) => (failure ? reject(failure) : resolve()))
  })
}
