import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** What holds private messages, keys and passwords, or leads to them. */
const FOLDERS = ['kafka', 'clickhouse', 'views', 'run', 'logs']

/**
 * Makes the folders of a stack for its owner alone, and closes those that an earlier version left open to others. The data folder itself
 * is closed only where it is made here: it may be any folder. With the umask that the supervisor sets, what the parts make in
 * there is private too.
 * @param {string} dataDir
 */
export function makePrivateFolders(dataDir) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  for (const folder of FOLDERS) {
    const path = join(dataDir, folder)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    chmodSync(path, 0o700)
  }
}

/** For this process and all that it starts. */
export const keepPrivate = () => process.umask(0o077)
