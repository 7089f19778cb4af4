import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { until } from '@millrace/testkit'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/** A storage instance in a process of its own, which tests may kill. */
export class StorageProcess {
  readonly #child: ChildProcess
  readonly #opsUrl: string
  /** Its log, JSON lines. */
  output = ''
  /** Exit code and signal. */
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>

  /** @param env must set OPS_PORT */
  constructor(env: NodeJS.ProcessEnv) {
    this.#opsUrl = `http://127.0.0.1:${env['OPS_PORT']}`
    this.#child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, LOG_FORMAT: 'json', MILLRACE_PARENT_PIPE: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk) => {
        this.output += String(chunk)
      })
    this.exited = once(this.#child, 'exit').then(([code, signal]) => [code, signal] as const)
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async readiness(): Promise<{ ready: boolean; checks: Record<string, string> } | null> {
    try {
      const response = await fetch(`${this.#opsUrl}/ready`)
      return (await response.json()) as { ready: boolean; checks: Record<string, string> }
    } catch {
      return null
    }
  }

  /** Waits until it is ready; rejects at once when it ended instead. */
  async ready(): Promise<this> {
    await until(async () => !this.isRunning || (await this.readiness())?.ready === true, {
      what: 'storage ready',
      deadlineMs: 30_000,
    })
    if (!this.isRunning) throw new Error(`storage ended:\n${this.output}`)
    return this
  }

  /** The value of a metric, summed over its labels; 0 when it was never set. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#opsUrl}/metrics`)).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }

  /** Stops it as an operator does. */
  async stop(): Promise<readonly [number | null, NodeJS.Signals | null]> {
    this.#child.kill('SIGTERM')
    return this.exited
  }
}
