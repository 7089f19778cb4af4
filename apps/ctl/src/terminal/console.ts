/** Where a command reads and writes; the process's own streams, or a test's. */
export interface Console {
  /** Results. */
  readonly out: NodeJS.WritableStream
  /** Progress and remarks: never mixed into results. */
  readonly err: NodeJS.WriteStream
  readonly in: NodeJS.ReadableStream
}

export const writeJson = (console: Console, value: unknown): void =>
  void console.out.write(`${JSON.stringify(value, null, 2)}\n`)

export const writeLine = (console: Console, line: string): void => void console.out.write(`${line}\n`)

/** Something worth knowing that is no result. */
export const remark = (console: Console, line: string): void => void console.err.write(`${line}\n`)
