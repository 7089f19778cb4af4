import { type FileHandle, open } from 'node:fs/promises'
import type { Fault } from '@millrace/kernel'
import type { Line } from './lines.ts'

/**
 * The lines an import refused, one JSON object each: line number, reason, and the line itself, so that it can be mended and
 * imported again. Only its owner may read the file, since refused lines may hold private events.
 */
export class RejectsFile {
  readonly path: string
  readonly #onMade: (path: string) => Promise<void>
  #file: FileHandle | null = null
  #bytes: number
  #waiting: string[] = []

  /**
   * @param keptBytes what an interrupted import had written up to its checkpoint; the rest is written again
   * @param onMade called before the first line is written
   */
  constructor(path: string, keptBytes: number, onMade: (path: string) => Promise<void> = async () => {}) {
    this.path = path
    this.#onMade = onMade
    this.#bytes = keptBytes
  }

  /** Size once everything added is written. */
  get bytes(): number {
    return this.#bytes
  }

  add({ number, bytes }: Line, { code, message }: Fault): void {
    const text = `${JSON.stringify({ line: number, code, message, text: bytes?.toString('utf8') ?? null })}\n`
    this.#waiting.push(text)
    this.#bytes += Buffer.byteLength(text)
  }

  /** Writes what was added; the file is made with the first refusal. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    const text = Buffer.from(this.#waiting.join(''))
    this.#waiting = []
    const from = this.#bytes - text.length
    if (this.#file === null) await this.#onMade(this.path)
    this.#file ??= await openAt(this.path, from)
    await this.#file.write(text, 0, text.length, from)
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#file?.close()
  }
}

async function openAt(path: string, bytes: number): Promise<FileHandle> {
  const file = await open(path, bytes === 0 ? 'w' : 'r+', 0o600)
  await file.truncate(bytes)
  return file
}
