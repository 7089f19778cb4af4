import { readFileSync } from 'node:fs'

/** Of the clock that /proc counts in (`getconf CLK_TCK`): the kernel's interface fixes it on Linux. */
const TICKS_PER_SECOND = 100
const KIB_PER_MIB = 1_024

export interface ProcessMemory {
  /** Resident set, KiB; file pages that are mapped count too. */
  readonly rssKib: number
  /** What of it belongs to no file, KiB. */
  readonly anonymousKib: number
}

/** CPU seconds that a process has used so far, in user and kernel mode; throws when it is gone. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field, the name in parentheses, may hold spaces: utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

export function memoryOf(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
  return { rssKib: kib('VmRSS'), anonymousKib: kib('RssAnon') }
}

export const mib = (kib: number): number => kib / KIB_PER_MIB
