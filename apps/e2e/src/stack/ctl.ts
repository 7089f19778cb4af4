import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../ctl/src/main.ts', import.meta.url))

export interface CtlResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs ctl against the stack of a data folder, in that folder. */
export function runCtl(dataDir: string, ...args: string[]): Promise<CtlResult> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(KAFKA_|CLICKHOUSE_|TEST_|MILLRACE_)/.test(name),
  )
  const env = { ...Object.fromEntries(kept), MILLRACE_DATA: dataDir }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env, cwd: join(dataDir, '..'), maxBuffer: 2 ** 26 },
      (error, stdout, stderr) =>
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1,
          stdout,
          stderr,
        }),
    )
  })
}
