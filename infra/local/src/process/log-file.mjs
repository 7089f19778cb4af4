import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const BYTES_MAX = 20 * 1024 * 1024

/** A log on disk that never holds more than two files of `bytesMax`: at the limit it becomes <file>.1 and starts anew. */
export class LogFile {
  #fd
  #bytes

  /** @param {string} file @param {number} [bytesMax] */
  constructor(file, bytesMax = BYTES_MAX) {
    this.file = file
    this.bytesMax = bytesMax
    mkdirSync(dirname(file), { recursive: true })
    this.#fd = openSync(file, 'a')
    this.#bytes = fstatSync(this.#fd).size
  }

  /** @param {string} line */
  write(line) {
    if (this.#bytes >= this.bytesMax) this.#rotate()
    try {
      this.#bytes += writeSync(this.#fd, `${line}\n`)
    } catch {
      // A full disk must not take the supervisor down with it; the process itself reports what it cannot store.
    }
  }

  #rotate() {
    closeSync(this.#fd)
    renameSync(this.file, `${this.file}.1`)
    this.#fd = openSync(this.file, 'a')
    this.#bytes = 0
  }

  close() {
    closeSync(this.#fd)
  }
}
