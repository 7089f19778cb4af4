import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Where to look: one of the broker's `log.dirs`, on this machine. */
export interface SegmentsPlace {
  readonly logDir: string
  readonly topics: readonly string[]
}

/** A file of a partition's log that holds records, or held them until the broker gets round to unlinking it. */
export interface SegmentFile {
  readonly topic: string
  readonly partition: number
  /** Below the log directory: `<topic>-<partition>/<base offset>.log`, and whatever suffixes they have. */
  readonly file: string
  readonly path: string
  /** Somebody may be writing to it, so that it may end within a batch: the newest segment, and what the cleaner writes. */
  readonly isGrowing: boolean
}

export interface SegmentProblem {
  /** Below the log directory; `.` is the directory itself. */
  readonly file: string
  readonly problem: string
}

export interface SegmentListing {
  readonly files: readonly SegmentFile[]
  readonly problems: readonly SegmentProblem[]
}

/** `3`, and the folders of partitions that are being deleted, moved between disks, or are not this broker's any more. */
const PARTITION = /^(\d+)(?:\.[^/]+-(?:delete|future|stray))?$/
const SEGMENT = /^\d{20}\.log(?:\..+)?$/
const PLAIN_SEGMENT = /^\d{20}\.log$/

/** Every file with records of the topics, as it is at this moment: the broker renames them while it cleans and deletes. */
export async function listSegmentFiles({ logDir, topics }: SegmentsPlace): Promise<SegmentListing> {
  const files: SegmentFile[] = []
  const problems: SegmentProblem[] = []
  const folders = await namesIn(logDir)
  if (typeof folders === 'string') return { files, problems: [{ file: '.', problem: folders }] }
  for (const folder of folders) {
    const at = partitionOf(folder, topics)
    if (at === null) continue
    const names = await namesIn(join(logDir, folder))
    if (typeof names === 'string') {
      if (names !== 'ENOENT') problems.push({ file: folder, problem: names })
      continue
    }
    const segments = names.filter((name) => SEGMENT.test(name)).sort()
    const newest = segments.findLast((name) => PLAIN_SEGMENT.test(name))
    for (const name of segments)
      files.push({
        ...at,
        file: `${folder}/${name}`,
        path: join(logDir, folder, name),
        isGrowing: name === newest || isBeingCleaned(name),
      })
  }
  return { files, problems }
}

/** The cleaner writes `<base offset>.log.cleaned`, and renames it when it is whole. */
export const isBeingCleaned = (file: string): boolean => file.endsWith('.cleaned')

function partitionOf(folder: string, topics: readonly string[]): { topic: string; partition: number } | null {
  for (const topic of topics) {
    if (!folder.startsWith(`${topic}-`)) continue
    const found = PARTITION.exec(folder.slice(topic.length + 1))
    if (found !== null) return { topic, partition: Number(found[1]) }
  }
  return null
}

/** A string is the code of what went wrong. */
async function namesIn(folder: string): Promise<readonly string[] | string> {
  try {
    return await readdir(folder)
  } catch (error) {
    return codeOf(error)
  }
}

export const codeOf = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error))
