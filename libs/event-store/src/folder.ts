import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  currentGeneration,
  dataFileOf,
  generationsIn,
  isOldLayout,
  makeGeneration,
  removeGenerationsExcept,
  removeView,
  setCurrent,
  syncFolder,
} from './generations.ts'
import { FORMAT_VERSION, openEnvironment, readState, type Tables } from './tables.ts'

/** Why a folder that was there is not gone on with. */
export type DropReason = 'format' | 'log' | 'boot'

export interface OpenedFolder {
  readonly tables: Tables
  readonly generation: number
  /** Null: the view goes on where it was, or it is the first one here. */
  readonly dropped: DropReason | null
}

const BOOT_FILE = 'boot'
const CLEAN = 'clean'
const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id'
const FIRST_GENERATION = 1

/** Names this run of the machine; where the system has no such name, only a clean close is trusted. */
function bootId(): string {
  try {
    return readFileSync(BOOT_ID_PATH, 'utf8').trim()
  } catch {
    return `process ${process.pid} ${process.hrtime.bigint()}`
  }
}

/**
 * Opens a view for writing, or starts an empty one where the old cannot be trusted: of another format, of another log, or
 * left behind by a machine that stopped before its pages were on disk. Of several generations only the current one stays.
 */
export async function openFolder(folder: string, mapBytes: number, logId: string): Promise<OpenedFolder> {
  mkdirSync(folder, { recursive: true })
  const boot = bootId()
  const dropped = distrust(folder, boot)
  if (dropped !== null) clear(folder)
  const opened = openCurrent(folder, mapBytes, boot)
  const state = readState(opened.tables)
  if (state === null) return { ...opened, dropped }
  const isOfFormat = state.formatVersion === FORMAT_VERSION
  if (isOfFormat && state.logId === logId) return { ...opened, dropped }
  await opened.tables.root.close()
  clear(folder)
  return { ...openCurrent(folder, mapBytes, boot), dropped: isOfFormat ? 'log' : 'format' }
}

function distrust(folder: string, boot: string): DropReason | null {
  if (isOldLayout(folder)) return 'format'
  const generations = generationsIn(folder)
  if (generations.length === 0) return null
  const bootPath = join(folder, BOOT_FILE)
  const left = existsSync(bootPath) ? readFileSync(bootPath, 'utf8') : null
  if (left !== CLEAN && left !== boot) return 'boot'
  // Nothing says which one counts.
  return currentGeneration(folder) === null ? 'boot' : null
}

function openCurrent(folder: string, mapBytes: number, boot: string): Omit<OpenedFolder, 'dropped'> {
  markRunning(folder, boot)
  let generation = currentGeneration(folder)
  if (generation === null) {
    generation = FIRST_GENERATION
    setCurrent(folder, generation)
  }
  removeGenerationsExcept(folder, generation)
  return { tables: openEnvironment(makeGeneration(folder, generation), mapBytes), generation }
}

/** On disk before the first page is, so that a machine that stops from now on is noticed. */
function markRunning(folder: string, boot: string): void {
  writeFileSync(join(folder, BOOT_FILE), boot, { flush: true })
  syncFolder(folder)
}

/** Brings everything to disk and says so. */
export async function closeFolder(folder: string, generation: number, tables: Tables): Promise<void> {
  await tables.root.close()
  const data = await open(dataFileOf(folder, generation), 'r+')
  await data.sync()
  await data.close()
  writeFileSync(join(folder, BOOT_FILE), CLEAN, { flush: true })
}

function clear(folder: string): void {
  removeView(folder)
  rmSync(join(folder, BOOT_FILE), { force: true })
}
