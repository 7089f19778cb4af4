import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, startStack } from '@millrace/infra-local'
import { until } from '@millrace/testkit'

/** A whole platform of its own: Kafka, ClickHouse, storage, edges and query API on free ports in a temporary folder. */
export class TestStack {
  readonly dataDir: string
  readonly ports: Record<string, number>
  readonly #env: Record<string, string>
  #running: Awaited<ReturnType<typeof startStack>> | null = null

  private constructor(dataDir: string, ports: Record<string, number>, env: Record<string, string>) {
    this.dataDir = dataDir
    this.ports = ports
    this.#env = env
  }

  static async start(env: Record<string, string> = {}): Promise<TestStack> {
    const dataDir = await mkdtemp(join(tmpdir(), 'millrace-e2e-'))
    const names = ['relay', 'api', 'kafka', 'kafkaController', 'clickHouseHttp', 'clickHouseTcp', 'edge2']
    const free = await freePorts(names.length)
    const ports = Object.fromEntries(names.map((name, index) => [name, free[index] ?? 0]))
    const stack = new TestStack(dataDir, ports, env)
    await stack.up()
    return stack
  }

  /** Starts everything on the data that is there; rejects with what the platform printed when it refuses. */
  async up(): Promise<void> {
    const { relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp } = this.ports
    this.#running = await startStack({
      dataDir: this.dataDir,
      ports: { relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp },
      env: this.#env,
    })
  }

  /** Stops everything, as Ctrl-C does; the data stays. */
  async down(): Promise<void> {
    await this.#running?.stop()
    this.#running = null
  }

  /** Stops everything and removes the data. */
  async remove(): Promise<void> {
    await this.down()
    await rm(this.dataDir, { recursive: true, force: true })
  }

  get relayUrl(): string {
    return `ws://127.0.0.1:${this.ports['relay']}`
  }

  get secondRelayUrl(): string {
    return `ws://127.0.0.1:${this.ports['edge2']}`
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.ports['api']}`
  }

  get kafkaBrokers(): string {
    return `127.0.0.1:${this.ports['kafka']}`
  }

  /** Starts a second edge on the same log, as `ctl edge add` does. */
  async addEdge(): Promise<void> {
    await this.control('POST', '/edges', { port: this.ports['edge2'] })
  }

  control(method: string, path: string, body?: unknown): Promise<unknown> {
    if (this.#running === null) throw new Error('the stack is down')
    return this.#running.control(method, path, body)
  }

  async pidOf(part: string): Promise<number> {
    const { parts } = (await this.control('GET', '/status')) as {
      parts: { name: string; pid: number | null }[]
    }
    const pid = parts.find(({ name }) => name === part)?.pid
    if (pid === undefined || pid === null) throw new Error(`${part} has no process`)
    return pid
  }

  /** Runs one statement with the rights of migrations. */
  async execute(statement: string): Promise<{ status: number; text: string }> {
    const kept = await readFile(join(this.dataDir, 'clickhouse-users.json'), 'utf8')
    const { CLICKHOUSE_MAINTENANCE_USER: user, CLICKHOUSE_MAINTENANCE_PASSWORD: password } = JSON.parse(kept)
    const url = `http://127.0.0.1:${this.ports['clickHouseHttp']}/`
    const headers = { 'x-clickhouse-user': user, 'x-clickhouse-key': password }
    const response = await fetch(url, { method: 'POST', headers, body: statement })
    return { status: response.status, text: await response.text() }
  }

  async sql<T>(query: string): Promise<T[]> {
    const { status, text } = await this.execute(`${query} FORMAT JSONEachRow`)
    if (status !== 200) throw new Error(text)
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T)
  }

  async health(): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${this.apiUrl}/health`)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  async untilHealthy(deadlineMs = 90_000): Promise<void> {
    await until(async () => (await this.health()).status === 200, {
      deadlineMs,
      what: 'the whole stack to be healthy',
      intervalMs: 100,
    })
  }
}
