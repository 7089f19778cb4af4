import { type FileHandle, open } from 'node:fs/promises'
import { crc32c } from '../kafkajs/protocol/crc32c.ts'
import { decodeRecordBatches } from '../kafkajs/protocol/record-batch-decoder.ts'
import type { LogRecord, Offset } from '../port.ts'
import { BatchStream } from './batch-stream.ts'
import {
  codeOf,
  isBeingCleaned,
  listSegmentFiles,
  type SegmentFile,
  type SegmentProblem,
  type SegmentsPlace,
} from './segment-files.ts'

/** A record as it lies in a file, superseded or not. */
export interface SegmentRecord {
  readonly topic: string
  readonly partition: number
  /** Below the log directory. */
  readonly file: string
  readonly offset: Offset
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestampMs: number
}

export interface SegmentsRead {
  /** 0 where the topics have no folder at all: then nothing was looked through, which proves nothing. */
  readonly files: number
  readonly records: number
  readonly bytes: number
  /** Files that somebody was writing to and that ended within a batch. */
  readonly tornFiles: readonly string[]
  /** What could not be read: nothing can be said of its contents. */
  readonly problems: readonly SegmentProblem[]
}

/** Listings until one shows nothing new; segments come by the minute at most, and the cleaner's by the second. */
const LISTINGS_MAX = 50
const CRC_AT = 17
const CRC_START = 21

/**
 * Reads every record of the topics that lies in the broker's log directory: live segments, what the cleaner is writing, and
 * what it left to be unlinked. The broker may be at work: a file that is renamed between listing and opening is found under its
 * new name, one that grows is read as far as it went. A record may be shown more than once; the records of an aborted
 * transaction are shown too, control batches are not.
 *
 * Never throws for what it finds on the disk; what `onRecord` throws is thrown.
 */
export async function readSegments(
  place: SegmentsPlace,
  onRecord: (record: SegmentRecord) => void | Promise<void>,
): Promise<SegmentsRead> {
  const reading = new Reading(onRecord)
  for (let listing = 0; listing < LISTINGS_MAX; listing++) {
    const { files, problems } = await listSegmentFiles(place)
    for (const { file, problem } of problems) reading.report(file, problem)
    if (!(await reading.readNew(files))) return reading.result()
  }
  reading.report('.', `files changed faster than they could be read, ${LISTINGS_MAX} listings long`)
  return reading.result()
}

class Reading {
  readonly #onRecord: (record: SegmentRecord) => void | Promise<void>
  /** By device, inode and time of birth: names change, and inodes are given out again. */
  readonly #seen = new Map<string, { readonly wasBeingCleaned: boolean }>()
  readonly #problems = new Map<string, string>()
  readonly #tornFiles = new Set<string>()
  #files = 0
  #records = 0
  #bytes = 0

  constructor(onRecord: (record: SegmentRecord) => void | Promise<void>) {
    this.#onRecord = onRecord
  }

  result(): SegmentsRead {
    return {
      files: this.#files,
      records: this.#records,
      bytes: this.#bytes,
      tornFiles: [...this.#tornFiles],
      problems: [...this.#problems].map(([file, problem]) => ({ file, problem })),
    }
  }

  /** The first problem of a file tells. */
  report(file: string, problem: string): void {
    if (!this.#problems.has(file)) this.#problems.set(file, problem)
  }

  /** Whether there was something to read, or that vanished. */
  async readNew(files: readonly SegmentFile[]): Promise<boolean> {
    let hasNew = false
    for (const file of files) {
      let handle: FileHandle
      try {
        handle = await open(file.path, 'r')
      } catch (error) {
        if (codeOf(error) === 'ENOENT') hasNew = true
        else this.report(file.file, codeOf(error))
        continue
      }
      try {
        if (await this.#isNew(file, handle)) {
          hasNew = true
          await this.#read(file, handle)
        }
      } finally {
        await handle.close()
      }
    }
    return hasNew
  }

  /** What the cleaner was writing is read again once it is whole: the segments that it stands for may be gone by then. */
  async #isNew({ file }: SegmentFile, handle: FileHandle): Promise<boolean> {
    const { dev, ino, birthtimeNs } = await handle.stat({ bigint: true })
    const identity = `${dev}:${ino}:${birthtimeNs}`
    const before = this.#seen.get(identity)
    const isWhole = !isBeingCleaned(file)
    if (before !== undefined && !(before.wasBeingCleaned && isWhole)) return false
    this.#seen.set(identity, { wasBeingCleaned: !isWhole })
    return true
  }

  async #read(file: SegmentFile, handle: FileHandle): Promise<void> {
    this.#files++
    const stream = new BatchStream(handle)
    for await (const batch of stream.batches())
      for (const { topic, partition, offset, key, value, timestampMs } of this.#decoded(file, batch)) {
        this.#records++
        const shown = this.#onRecord({
          topic,
          partition,
          file: file.file,
          offset,
          key,
          value,
          timestampMs,
        })
        if (shown !== undefined) await shown
      }
    this.#bytes += stream.bytesRead
    if (stream.problem !== null) this.report(file.file, stream.problem)
    if (stream.tornBytes === 0) return
    if (file.isGrowing) this.#tornFiles.add(file.file)
    else
      this.report(file.file, `ends within a record batch, ${stream.tornBytes} bytes after the last whole one`)
  }

  #decoded(file: SegmentFile, batch: Buffer): readonly LogRecord[] {
    if (crc32c(batch, CRC_START, batch.length) !== batch.readUInt32BE(CRC_AT)) {
      this.report(file.file, `a record batch at offset ${batch.readBigInt64BE(0)} has a wrong checksum`)
      return []
    }
    try {
      return decodeRecordBatches(batch, file, 0).records
    } catch (error) {
      this.report(file.file, error instanceof Error ? error.message : String(error))
      return []
    }
  }
}
