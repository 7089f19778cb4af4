import { readdirSync, readFileSync } from 'node:fs'
import { delayMs } from './process/until.mjs'

const GRACE_MS = 10_000

/**
 * Processes whose environment has the variable with this value, other than this one: whatever we started and whatever
 * that started. Only Linux shows the environment of a process; elsewhere none is found.
 * @param {string} variable @param {string} value
 * @returns {{ pid: number, command: string }[]}
 */
export function processesWith(variable, value) {
  const wanted = `${variable}=${value}`
  return pids().flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted)) return []
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return [{ pid, command: command.slice(0, 100) }]
    } catch {
      // It ended meanwhile, or belongs to somebody else.
      return []
    }
  })
}

function pids() {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map(Number)
  } catch {
    return []
  }
}

/**
 * Waits for such processes to end by themselves, as they do once their parent is gone, and kills those that do not.
 * Answers what had to be killed.
 * @param {string} variable @param {string} value
 * @returns {Promise<string[]>}
 */
export async function endSurvivors(variable, value) {
  const endMs = performance.now() + GRACE_MS
  while (processesWith(variable, value).length > 0 && performance.now() < endMs) await delayMs(50)
  return processesWith(variable, value).map(({ pid, command }) => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended just now.
    }
    return `pid ${pid} (${command})`
  })
}
