import { statfsSync, statSync } from 'node:fs'
import { err, type Fault, ok, type Result, transient } from '@millrace/kernel'
import { dataFileOf, makeGeneration, nextGeneration, removeGeneration } from './generations.ts'
import { scrubPages } from './scrub-pages.ts'
import { openEnvironment, PAGE_BYTES, readStateIfChanged, type Tables } from './tables.ts'

export interface Compacted {
  readonly generation: number
  readonly tables: Tables
}

/** Why there is no copy. `disk-full`: there would be no room for it, nothing was written. */
export type CompactionProblem = 'disk-full' | 'failed'

export type CompactionFault = Fault & { readonly problem: CompactionProblem }

/**
 * Copies what is live into the next generation, which nobody reads before it is the current one. While it runs nothing may be
 * written: what a transaction adds meanwhile would not be in the copy. LMDB copies in a thread of its own.
 */
export async function copyLive(
  folder: string,
  { generation, tables }: Compacted,
  mapBytes: number,
  freeBytes: number,
  pause: () => Promise<void>,
): Promise<Result<Compacted, CompactionFault>> {
  const { size } = statSync(dataFileOf(folder, generation))
  if (freeBytes < size)
    return fault('disk-full', `compacting the serving view may take ${size} bytes, ${freeBytes} are free`)
  const next = nextGeneration(folder)
  try {
    const path = makeGeneration(folder, next)
    await tables.root.backup(path, true)
    await scrubPages(dataFileOf(folder, next), PAGE_BYTES, pause)
    const copy = openEnvironment(path, mapBytes)
    const isSame = readStateIfChanged(copy, readStateIfChanged(tables, null)) === null
    if (isSame) return ok({ generation: next, tables: copy })
    await copy.root.close()
    removeGeneration(folder, next)
    return fault('failed', 'the copy of the serving view says something else than the view')
  } catch (cause) {
    removeGeneration(folder, next)
    return fault('failed', `the serving view could not be compacted: ${String(cause)}`, cause)
  }
}

/** Bytes that the file system of a folder has for this process. */
export function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

const fault = (
  problem: CompactionProblem,
  message: string,
  cause?: unknown,
): { readonly ok: false; readonly fault: CompactionFault } => ({
  ...err({ ...transient('internal', message, cause), problem }),
})
