import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** What one worker had acknowledged in one partition: its next offset, twice (f64). */
const SLOT_BYTES = 16

export interface AckedPositionsOptions {
  readonly file: string
  readonly workers: number
  readonly partitionCount: number
}

/** Makes the file with nothing acknowledged in it; before the first worker starts. */
export function createAckedPositions({ file, workers, partitionCount }: AckedPositionsOptions): void {
  mkdirSync(dirname(file), { recursive: true })
  const fd = openSync(file, 'w', 0o600)
  writeSync(fd, Buffer.alloc(workers * partitionCount * SLOT_BYTES))
  closeSync(fd)
}

/**
 * How far the workers of one edge have acknowledged events, shared through a small file in the page cache: a worker notes it
 * before it sends OK, and every worker looks before it answers a REQ, so a REQ sees what any of them acknowledged before
 * (DESIGN 2.2). Each slot has one writer. Noting and looking cost a system call each; nobody waits for
 * another process. What is in the file outlives a worker, and may: it says only where the log is known to reach.
 */
export class AckedPositions {
  readonly #options: AckedPositionsOptions
  readonly #worker: number
  readonly #fd: number
  readonly #slot = Buffer.alloc(SLOT_BYTES)
  readonly #all: Buffer
  readonly #own: number[]

  /** @param worker counted from 1 */
  constructor(options: AckedPositionsOptions, worker: number) {
    this.#options = options
    this.#worker = worker
    this.#fd = openSync(options.file, 'r+')
    this.#all = Buffer.alloc(options.workers * options.partitionCount * SLOT_BYTES)
    if (fstatSync(this.#fd).size !== this.#all.length)
      throw new Error(
        `${options.file} is not of ${options.workers} workers and ${options.partitionCount} partitions`,
      )
    this.#own = new Array<number>(options.partitionCount).fill(0)
  }

  /** Notes that everything of the partition before `nextOffset` that this worker appended is acknowledged, or about to be. */
  note(partition: number, nextOffset: number): void {
    if (nextOffset <= (this.#own[partition] ?? 0)) return
    this.#own[partition] = nextOffset
    this.#slot.writeDoubleLE(nextOffset, 0)
    this.#slot.writeDoubleLE(nextOffset, 8)
    const index = (this.#worker - 1) * this.#options.partitionCount + partition
    writeSync(this.#fd, this.#slot, 0, SLOT_BYTES, index * SLOT_BYTES)
  }

  /** Where `positions` falls short of what the other workers have acknowledged: the next offsets to wait for; null: nowhere. */
  ahead(positions: ReadonlyMap<number, number>): ReadonlyMap<number, number> | null {
    const { workers, partitionCount } = this.#options
    this.#read()
    let ahead: Map<number, number> | null = null
    for (let worker = 1; worker <= workers; worker++) {
      if (worker === this.#worker) continue
      for (let partition = 0; partition < partitionCount; partition++) {
        const next = this.#all.readDoubleLE(((worker - 1) * partitionCount + partition) * SLOT_BYTES)
        if (next <= (ahead?.get(partition) ?? positions.get(partition) ?? 0)) continue
        ahead ??= new Map()
        ahead.set(partition, next)
      }
    }
    return ahead
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** Again while a slot is seen half written: its two halves differ then. */
  #read(): void {
    const all = this.#all
    do readSync(this.#fd, all, 0, all.length, 0)
    while (!isWhole(all))
  }
}

function isWhole(all: Buffer): boolean {
  for (let at = 0; at < all.length; at += SLOT_BYTES)
    if (all.readDoubleLE(at) !== all.readDoubleLE(at + 8)) return false
  return true
}
