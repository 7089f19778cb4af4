import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { delayMs } from '@millrace/kernel'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const LOOK_MS = 20

/** A relay in a process of its own, which tests may kill. */
export class RelayProcess {
  readonly #child: ChildProcess
  readonly #opsUrl: string
  readonly url: string
  /** Its log, JSON lines. */
  output = ''
  /** Exit code and signal. */
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>

  /** @param env must set RELAY_PORT and OPS_PORT */
  constructor(env: NodeJS.ProcessEnv) {
    this.url = `ws://127.0.0.1:${env['RELAY_PORT']}`
    this.#opsUrl = `http://127.0.0.1:${env['OPS_PORT']}`
    this.#child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, LOG_FORMAT: 'json', MILLRACE_PARENT_PIPE: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const take = (chunk: Buffer) => {
      this.output += String(chunk)
    }
    this.#child.stdout?.on('data', take)
    this.#child.stderr?.on('data', take)
    this.exited = once(this.#child, 'exit').then(([code, signal]) => [code, signal] as const)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What /ready says; null while nobody answers. */
  async readiness(): Promise<{ ready: boolean; checks: Record<string, string> } | null> {
    try {
      const response = await fetch(`${this.#opsUrl}/ready`)
      return (await response.json()) as { ready: boolean; checks: Record<string, string> }
    } catch {
      return null
    }
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.#opsUrl}/metrics`)).text()
  }

  async ready(deadlineMs = 30_000): Promise<void> {
    const endMs = performance.now() + deadlineMs
    while (performance.now() < endMs && this.isRunning) {
      if ((await this.readiness())?.ready === true) return
      await delayMs(LOOK_MS)
    }
    throw new Error(`the relay is not ready:\n${this.output}`)
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
