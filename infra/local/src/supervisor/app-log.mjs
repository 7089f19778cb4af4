const ERROR_LEVELS = new Set(['error', 'fatal', 50, 60])
const FATAL_LEVELS = new Set(['fatal', 60])

/**
 * What one line of a process's log says: pino's JSON, or anything else a program writes before it has a logger.
 * @param {string} line
 * @returns {{ message: string, isError: boolean, isFatal: boolean }}
 */
export function readLogLine(line) {
  if (line.startsWith('{')) {
    try {
      const { level, msg, message } = JSON.parse(line)
      return {
        message: String(msg ?? message ?? line),
        isError: ERROR_LEVELS.has(level),
        isFatal: FATAL_LEVELS.has(level),
      }
    } catch {
      // Cut off by a crash: shown as it is.
    }
  }
  return {
    message: line,
    isError: /\b(ERROR|FATAL|Error:|<Error>|<Fatal>)/.test(line),
    isFatal: /<Fatal>|\bFATAL\b/.test(line),
  }
}

/** Remembers the last error of a process, to explain its end. */
export class LastError {
  /** @type {string | null} */
  #error = null
  /** @type {string | null} */
  #line = null

  /** @param {string} line @returns {string | null} the message of a fatal line, else null */
  read(line) {
    const { message, isError, isFatal } = readLogLine(line)
    if (isError) this.#error = message
    // A program without a logger explains itself in its last plain line.
    if (!line.startsWith('{')) this.#line = message
    return isFatal ? message : null
  }

  /** @returns {string | null} */
  get message() {
    return this.#error ?? this.#line
  }

  clear() {
    this.#error = null
    this.#line = null
  }
}
