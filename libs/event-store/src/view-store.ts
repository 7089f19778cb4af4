import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  type ErasableStore,
  type ErasureSubject,
  scanFile,
  TRACES_MAX,
  type Trace,
  type Verification,
} from '@millrace/erasure'
import { err, ok, type Result, transient } from '@millrace/kernel'
import type { Tombstone, TombstoneSet } from '@millrace/nostr'
import { ERASED_FILE, readErasedSinceMs } from './generations.ts'
import type { ServingView } from './serving-view.ts'

export interface ViewStoreParts {
  /** Of one view, or of the views of all edges on this machine; no view need be open, and any may be. */
  readonly folder: string
  /** The view that this process has open for writing, with its set of tombstones; null: it only verifies. */
  readonly open: { readonly view: ServingView; readonly tombstones: TombstoneSet } | null
  /** Awaited between the slices of an erasure. */
  readonly pause: () => Promise<void>
}

/** How often the folder is looked through for files that came while it was looked through: a compaction makes one. */
const ROUNDS_MAX = 5
const MIB = 1024 * 1024

/**
 * Serving views as a store of event data. It is verified from the bytes of all files, of whatever generation or layout, so it
 * works beside an edge that runs, and finds what lies in free pages.
 */
export class ViewStore implements ErasableStore {
  readonly name = 'view'
  readonly #parts: ViewStoreParts

  constructor(parts: ViewStoreParts) {
    this.#parts = parts
  }

  claims(place: string): boolean {
    return place === 'folder:views' || place.startsWith('folder:views/')
  }

  async erase(tombstones: readonly Tombstone[]): Promise<Result<void>> {
    const { open, pause } = this.#parts
    if (open === null) return err(transient('internal', 'this process has no serving view open to erase in'))
    try {
      for (const tombstone of tombstones) open.tombstones.apply(tombstone)
      for (const tombstone of tombstones) await open.view.erase(tombstone, pause)
      return ok(undefined)
    } catch (cause) {
      return err(transient('internal', `the serving view could not erase: ${String(cause)}`, cause))
    }
  }

  async verify(subject: ErasureSubject): Promise<Result<Verification>> {
    const traces: Trace[] = []
    const scanned = new Map<string, number>()
    try {
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const fresh = (await this.#files()).filter((path) => !scanned.has(path))
        if (fresh.length === 0) break
        for (const path of fresh) scanned.set(path, await this.#scan(path, subject, traces))
      }
    } catch (cause) {
      return err(transient('internal', `the serving view cannot be looked through: ${String(cause)}`, cause))
    }
    const bytes = [...scanned.values()].reduce((sum, size) => sum + size, 0)
    const examined = `${scanned.size} files, ${(bytes / MIB).toFixed(1)} MiB`
    return ok({ traces, examined, notVerifiable: null })
  }

  async oldestTraceMs(): Promise<Result<number | null>> {
    const { open } = this.#parts
    if (open !== null) return ok(open.view.erasedSinceMs)
    try {
      const marked = (await this.#files()).filter((path) => basename(path) === ERASED_FILE)
      const marks = marked.map((path) => readErasedSinceMs(dirname(path))).filter((ms) => ms !== null)
      return ok(marks.length === 0 ? null : Math.min(...marks))
    } catch (cause) {
      return err(transient('internal', `the serving view cannot be looked through: ${String(cause)}`, cause))
    }
  }

  /** Every file at or below the folder; none where there is no folder. */
  async #files(): Promise<string[]> {
    const entries = await unlessGone(readdir(this.#parts.folder, { recursive: true, withFileTypes: true }))
    return (entries ?? [])
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  }

  /** Answers the bytes looked through. A file that is removed meanwhile holds nothing any more. */
  async #scan(path: string, subject: ErasureSubject, traces: Trace[]): Promise<number> {
    const left = TRACES_MAX - traces.length
    if (left === 0) return 0
    const found = await unlessGone(scanFile(path, subject, left))
    for (const { offset, what } of found ?? [])
      traces.push({
        store: this.name,
        place: `${path}:${offset}`,
        what: `bytes of ${what === 'event' ? 'an event' : 'a needle'}`,
      })
    return (await unlessGone(stat(path)))?.size ?? 0
  }
}

async function unlessGone<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw cause
  }
}
