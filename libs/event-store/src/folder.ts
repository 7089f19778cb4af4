import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { FORMAT_VERSION, openEnvironment, readState, type Tables } from './tables.ts'

/** Why a folder that was there is not gone on with. */
export type DropReason = 'format' | 'log' | 'boot'

export interface OpenedFolder {
  readonly tables: Tables
  /** Null: the view goes on where it was, or it is the first one here. */
  readonly dropped: DropReason | null
}

const DATA_FILE = 'data.mdb'
const BOOT_FILE = 'boot'
const CLEAN = 'clean'
const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id'

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
 * left behind by a machine that stopped before its pages were on disk.
 */
export async function openFolder(folder: string, mapBytes: number, logId: string): Promise<OpenedFolder> {
  mkdirSync(folder, { recursive: true })
  const bootPath = join(folder, BOOT_FILE)
  const boot = bootId()
  const left = existsSync(bootPath) ? readFileSync(bootPath, 'utf8') : null
  const isThere = existsSync(join(folder, DATA_FILE))
  let dropped: DropReason | null = isThere && left !== CLEAN && left !== boot ? 'boot' : null
  if (dropped !== null) clear(folder)
  await markRunning(folder, boot)
  let tables = openEnvironment(folder, mapBytes)
  const state = readState(tables)
  if (state !== null && state.formatVersion !== FORMAT_VERSION) dropped = 'format'
  else if (state !== null && state.logId !== logId) dropped = 'log'
  if (state !== null && dropped !== null) {
    await tables.root.close()
    clear(folder)
    await markRunning(folder, boot)
    tables = openEnvironment(folder, mapBytes)
  }
  return { tables, dropped }
}

/** On disk before the first page is, so that a machine that stops from now on is noticed. */
async function markRunning(folder: string, boot: string): Promise<void> {
  writeFileSync(join(folder, BOOT_FILE), boot, { flush: true })
  const entries = await open(folder, 'r')
  await entries.sync()
  await entries.close()
}

/** Brings everything to disk and says so. */
export async function closeFolder(folder: string, tables: Tables): Promise<void> {
  await tables.root.close()
  const data = await open(join(folder, DATA_FILE), 'r+')
  await data.sync()
  await data.close()
  writeFileSync(join(folder, BOOT_FILE), CLEAN, { flush: true })
}

function clear(folder: string): void {
  for (const file of [DATA_FILE, 'lock.mdb', BOOT_FILE]) rmSync(join(folder, file), { force: true })
}
