import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

// A view's folder holds one LMDB environment for each generation, `<folder>/<n>/`: a compaction makes the next one. Each
// has a lock file of its own, because LMDB keeps transaction numbers in it.

export const DATA_FILE = 'data.mdb'
/** Names the generation that counts. */
const CURRENT_FILE = 'current'
/** Since when erased bytes may lie in the files, milliseconds since the Unix epoch; missing: none do. */
export const ERASED_FILE = 'erased-since'
const NUMBER = /^\d{1,15}$/

export const generationFolder = (folder: string, generation: number): string => join(folder, `${generation}`)

export const dataFileOf = (folder: string, generation: number): string =>
  join(generationFolder(folder, generation), DATA_FILE)

/** All that are there, half-written ones too. */
export const generationsIn = (folder: string): readonly number[] =>
  readdirSync(folder)
    .filter((name) => NUMBER.test(name))
    .map(Number)

/** Null: there is no view. */
export const currentGeneration = (folder: string): number | null => readNumber(join(folder, CURRENT_FILE))

/** From now on this one counts, whatever happens to the process. */
export function setCurrent(folder: string, generation: number): void {
  writeAtomically(folder, CURRENT_FILE, `${generation}`)
}

/** One that was never there: readers may still have a removed one mapped. */
export const nextGeneration = (folder: string): number =>
  Math.max(currentGeneration(folder) ?? 0, ...generationsIn(folder)) + 1

export function removeGeneration(folder: string, generation: number): void {
  rmSync(generationFolder(folder, generation), { recursive: true, force: true })
}

/** Leaves one, or none: what a compaction that was cut off has begun or not removed yet. */
export function removeGenerationsExcept(folder: string, kept: number | null): void {
  for (const generation of generationsIn(folder))
    if (generation !== kept) removeGeneration(folder, generation)
}

/** Removes every file of a view, also the one of the layout without generations. */
export function removeView(folder: string): void {
  removeGenerationsExcept(folder, null)
  for (const file of [DATA_FILE, 'lock.mdb', CURRENT_FILE, ERASED_FILE])
    rmSync(join(folder, file), { force: true })
}

/** Whether a data file lies where it did before there were generations. */
export const isOldLayout = (folder: string): boolean => existsSync(join(folder, DATA_FILE))

export const makeGeneration = (folder: string, generation: number): string => {
  const path = generationFolder(folder, generation)
  mkdirSync(path, { recursive: true })
  return path
}

export const readErasedSinceMs = (folder: string): number | null => readNumber(join(folder, ERASED_FILE))

export function writeErasedSinceMs(folder: string, erasedSinceMs: number | null): void {
  if (erasedSinceMs === null) rmSync(join(folder, ERASED_FILE), { force: true })
  else writeAtomically(folder, ERASED_FILE, `${erasedSinceMs}`)
}

function readNumber(path: string): number | null {
  if (!existsSync(path)) return null
  const text = readFileSync(path, 'utf8')
  return NUMBER.test(text) ? Number(text) : null
}

/** The whole text or what was there before, also for a machine that stops. */
function writeAtomically(folder: string, file: string, text: string): void {
  const written = join(folder, `${file}.new`)
  writeFileSync(written, text, { flush: true })
  renameSync(written, join(folder, file))
  syncFolder(folder)
}

export function syncFolder(folder: string): void {
  const entries = openSync(folder, 'r')
  fsyncSync(entries)
  closeSync(entries)
}
