import { appendFile, mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { err, ok, type Result, transient } from '@millrace/kernel'
import { parseEvent, type Tombstone, TombstoneSet } from '@millrace/nostr'
import { type ErasableStore, TRACES_MAX, type Trace, type Verification } from './erasable-store.ts'
import { scanFile } from './scan-file.ts'
import { type ErasureSubject, isTraceOf } from './subject.ts'

const LIST = join('import', 'rejects.list')

/** Remembers where an import writes the lines it refuses, so that they can be erased too. */
export async function noteRejectsFile(dataDir: string, path: string): Promise<void> {
  const list = join(dataDir, LIST)
  if ((await rejectsFiles(dataDir)).includes(resolve(path))) return
  await mkdir(dirname(list), { recursive: true })
  await appendFile(list, `${resolve(path)}\n`)
}

/** The files noted that are still there. */
async function rejectsFiles(dataDir: string): Promise<readonly string[]> {
  const text = await readFile(join(dataDir, LIST), 'utf8').catch(() => '')
  const paths = [...new Set(text.split('\n').filter((path) => path !== ''))]
  const there = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (file) => file.isFile(),
        () => false,
      ),
    ),
  )
  return paths.filter((_, index) => there[index])
}

/** The lines that imports on this machine have refused: JSON objects with the line as `text`. */
export class RejectsStore implements ErasableStore {
  readonly name = 'rejects'
  readonly #dataDir: string

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  claims(place: string): boolean {
    return place === 'folder:import'
  }

  erase(tombstones: readonly Tombstone[]): Promise<Result<void>> {
    const set = new TombstoneSet()
    for (const tombstone of tombstones) set.apply(tombstone)
    return this.eraseCovered(set)
  }

  /** Rewrites every file without the lines that a tombstone or a floor covers. */
  async eraseCovered(tombstones: TombstoneSet): Promise<Result<void>> {
    try {
      for (const path of await rejectsFiles(this.#dataDir)) await rewrite(path, tombstones)
      return ok(undefined)
    } catch (cause) {
      return err(transient('internal', 'a file of refused lines could not be rewritten', cause))
    }
  }

  async verify(subject: ErasureSubject): Promise<Result<Verification>> {
    const paths = await rejectsFiles(this.#dataDir)
    const traces: Trace[] = []
    for (const path of paths)
      for (const { offset, what } of await scanRejects(path, subject, TRACES_MAX - traces.length))
        traces.push({ store: this.name, place: `${path}:${offset}`, what })
    return ok({ traces, examined: `${paths.length} files of refused lines`, notVerifiable: null })
  }

  async oldestTraceMs(): Promise<Result<number | null>> {
    return ok(null)
  }
}

/** Refused lines are JSON in JSON, so their quotes are escaped. */
async function scanRejects(path: string, subject: ErasureSubject, tracesMax: number) {
  const found: { offset: number; what: string }[] = []
  const file = await open(path, 'r')
  let offset = 0
  try {
    for await (const line of createInterface({ input: file.createReadStream({ autoClose: false }) })) {
      if (found.length >= tracesMax) break
      const event = eventOf(line)
      if (event !== null && isTraceOf(subject, event)) found.push({ offset, what: 'refused line' })
      offset += Buffer.byteLength(line) + 1
    }
  } finally {
    await file.close()
  }
  const raw = await scanFile(path, subject, Math.max(0, tracesMax - found.length))
  return [...found, ...raw]
}

async function rewrite(path: string, tombstones: TombstoneSet): Promise<void> {
  if (!(await holdsCovered(path, tombstones))) return
  const next = `${path}.next`
  const input = await open(path, 'r')
  try {
    const output = await open(next, 'w', 0o600)
    try {
      for await (const line of createInterface({ input: input.createReadStream({ autoClose: false }) })) {
        const event = eventOf(line)
        if (event === null || !(tombstones.covers(event) || tombstones.isBelowFloor(event)))
          await output.write(`${line}\n`)
      }
      await output.sync()
    } finally {
      await output.close()
    }
  } finally {
    await input.close()
  }
  // Replaced as a whole, so that a crash leaves the old file or the new one.
  await rename(next, path)
}

async function holdsCovered(path: string, tombstones: TombstoneSet): Promise<boolean> {
  const input = await open(path, 'r')
  try {
    for await (const line of createInterface({ input: input.createReadStream({ autoClose: false }) })) {
      const event = eventOf(line)
      if (event !== null && (tombstones.covers(event) || tombstones.isBelowFloor(event))) return true
    }
    return false
  } finally {
    await input.close()
  }
}

function eventOf(line: string) {
  try {
    const { text } = JSON.parse(line) as { text?: unknown }
    const event = typeof text === 'string' ? parseEvent(JSON.parse(text)) : null
    return event?.ok ? event.value : null
  } catch {
    return null
  }
}
