import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FilePosition } from './lines.ts'
import type { ImportCounts } from './report.ts'

/** How far an import has come: everything before `position` is acknowledged by Kafka or refused. */
export interface Checkpoint {
  /** The log it went into; another log begins at the first line. */
  readonly logId: string
  readonly position: FilePosition
  readonly rejectsPath: string
  readonly rejectsBytes: number
  readonly counts: ImportCounts
  /** The whole file is in. */
  readonly isDone: boolean
}

/** SHA-256 of the file's bytes: the same file under another name is the same import, a changed one is another. */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** The checkpoint of one file, kept as a small JSON file that is replaced as a whole. */
export class CheckpointFile {
  readonly path: string

  constructor(dataDir: string, hash: string) {
    this.path = join(dataDir, 'import', `${hash}.json`)
  }

  /** Null when there is none for this log. */
  async read(logId: string): Promise<Checkpoint | null> {
    try {
      const checkpoint = JSON.parse(await readFile(this.path, 'utf8')) as Checkpoint
      return checkpoint.logId === logId ? checkpoint : null
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT' || cause instanceof SyntaxError) return null
      throw cause
    }
  }

  async write(checkpoint: Checkpoint): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true })
    const next = `${this.path}.next`
    await writeFile(next, `${JSON.stringify(checkpoint, null, 2)}\n`)
    await rename(next, this.path)
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true })
  }
}
