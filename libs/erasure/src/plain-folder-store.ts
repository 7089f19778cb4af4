import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { err, ok, type Result, transient } from '@millrace/kernel'
import { type ErasableStore, TRACES_MAX, type Trace, type Verification } from './erasable-store.ts'
import { scanFile } from './scan-file.ts'
import type { ErasureSubject } from './subject.ts'

const MIB = 1024 * 1024

export interface PlainFolderParts {
  readonly name: string
  readonly dataDir: string
  /** Below the data folder; one that is missing holds nothing. */
  readonly folders: readonly string[]
}

/**
 * Folders that hold no event by design (logs, the state of the deletion consumer): nothing is ever erased from them, and a
 * verification looks whether the design holds, byte by byte.
 */
export class PlainFolderStore implements ErasableStore {
  readonly name: string
  readonly #parts: PlainFolderParts

  constructor(parts: PlainFolderParts) {
    this.name = parts.name
    this.#parts = parts
  }

  claims(place: string): boolean {
    return this.#parts.folders.some((folder) => place === `folder:${folder}`)
  }

  async erase(): Promise<Result<void>> {
    return ok(undefined)
  }

  async verify(subject: ErasureSubject): Promise<Result<Verification>> {
    const { dataDir, folders } = this.#parts
    const traces: Trace[] = []
    const tally = { files: 0, bytes: 0 }
    try {
      for (const folder of folders)
        for (const path of await filesBelow(join(dataDir, folder))) {
          if (traces.length >= TRACES_MAX) break
          tally.files++
          tally.bytes += (await stat(path)).size
          for (const { offset, what } of await scanFile(path, subject, TRACES_MAX - traces.length))
            traces.push({ store: this.name, place: `${path} at byte ${offset}`, what })
        }
    } catch (cause) {
      return err(transient('internal', `${this.name} cannot be looked through: ${String(cause)}`, cause))
    }
    const examined = `${tally.files} files, ${(tally.bytes / MIB).toFixed(1)} MiB`
    return ok({ traces, examined, notVerifiable: null })
  }

  async oldestTraceMs(): Promise<Result<number | null>> {
    return ok(null)
  }
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
