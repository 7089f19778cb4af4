import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { OperatorError } from '../operator-error.mjs'

/**
 * Who holds a lock. A pid alone is not enough: after a crash the system may give it to another program.
 * @typedef {{ pid: number, startedAt: string }} Owner
 */

/** When a process started, as the kernel counts it; the empty string where that cannot be read. @param {number} pid */
function startOf(pid) {
  try {
    // Field 22; the second field is the command in parentheses and may contain anything.
    return (
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? ''
    )
  } catch {
    return ''
  }
}

/** @param {Owner} owner */
function isAlive({ pid, startedAt }) {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPERM') return false
  }
  return startedAt === '' || startOf(pid) === startedAt
}

/** @param {string} file @returns {Owner | null} null for a file that is absent or unreadable */
function readOwner(file) {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && typeof startedAt === 'string' ? { pid, startedAt } : null
  } catch {
    return null
  }
}

/**
 * The living holder of a lock file, null when there is none.
 * @param {string} file
 * @returns {Owner | null}
 */
export function lockOwner(file) {
  const owner = readOwner(file)
  return owner !== null && isAlive(owner) ? owner : null
}

/**
 * Takes a lock file for this process; throws OperatorError when a living process holds it. The lock of a dead one is
 * taken over.
 * @param {string} file
 * @param {{ what: string, onTakeover?: (pid: number | null) => void }} options
 * @returns {{ release: () => void }}
 */
export function takeLock(file, { what, onTakeover }) {
  mkdirSync(dirname(file), { recursive: true })
  const mine = JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) })
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      return { release: () => readOwner(file)?.pid === process.pid && rmSync(file, { force: true }) }
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
      const dead = moveDeadLock(file, what)
      onTakeover?.(dead)
    }
  }
  throw new OperatorError(`cannot take the lock ${file}: somebody else keeps taking it`)
}

/**
 * Moves the lock aside unless its owner lives, and answers the dead owner's pid. Moving before judging keeps two takers
 * of one dead lock apart: only one of them gets it.
 * @param {string} file @param {string} what
 * @returns {number | null}
 */
function moveDeadLock(file, what) {
  const aside = `${file}.${process.pid}`
  /** @param {Owner} owner */
  const refuse = (owner) =>
    new OperatorError(`${what} is already running here as pid ${owner.pid} (lock ${file})`)
  const first = readOwner(file)
  if (first !== null && isAlive(first)) throw refuse(first)
  try {
    renameSync(file, aside)
  } catch {
    return first?.pid ?? null
  }
  const moved = readOwner(aside)
  try {
    if (moved === null || !isAlive(moved)) return moved?.pid ?? null
    linkSync(aside, file)
    throw refuse(moved)
  } finally {
    rmSync(aside, { force: true })
  }
}
