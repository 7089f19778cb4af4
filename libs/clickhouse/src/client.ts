import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client'
import type { ClickHouseConfig, ClickHouseRole } from '@millrace/config'
import { err, type Fault, ok, type Result } from '@millrace/kernel'
import { Deadline } from './deadline.ts'
import { faultOf, insertFaultOf } from './faults.ts'
import { ROLE_LIMITS, ROLE_SETTINGS, type RoleLimits } from './settings.ts'
import { Slots } from './slots.ts'

/** One statement as an observer sees it: never its parameters or rows. */
export interface QueryInfo {
  readonly role: ClickHouseRole
  /** The caller's name of the statement (bounded set: it becomes a metric label). */
  readonly name: string
}

/** What an observer of one statement gives back. */
export interface QueryObservation {
  /** HTTP headers to send along, W3C `traceparent` above all: the server's spans continue the trace. */
  readonly headers?: Readonly<Record<string, string>>
  /** Called once, when the answer is complete. */
  end(fault: Fault | null): void
}

export interface StatementOptions {
  /** Server-side parameters, `{name:Type}` in the statement. */
  readonly params?: Readonly<Record<string, unknown>>
  readonly settings?: ClickHouseSettings
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** A short constant name for metrics and spans; `statement` when absent. */
  readonly name?: string
}

export interface QueryOptions extends StatementOptions {
  /** JSONEachRow (the default): rows are objects. JSONCompactEachRow: rows are arrays, cheaper for many rows. */
  readonly format?: 'JSONEachRow' | 'JSONCompactEachRow'
}

export interface InsertSummary {
  /** Rows written to the target, as the server counted them (those of dependent views included). */
  readonly rowsWritten: number
}

export interface ClickHouseOptions extends Partial<RoleLimits> {
  readonly onQuery?: (info: QueryInfo) => QueryObservation
}

/** ClickHouse as one role. Calls never reject: faults are clickhouse-unavailable, clickhouse-refused and queue-full. */
export interface ClickHouse {
  readonly role: ClickHouseRole
  /** Calls waiting for a free slot. */
  readonly queriesWaiting: number
  query<T>(sql: string, options?: QueryOptions): Promise<Result<T[]>>
  /**
   * The rows as JSONEachRow text, for readers that pass rows on without parsing them. An answer that breaks off ends in
   * the middle of a line or in a line that is no row: the reader has to check.
   */
  queryText(sql: string, options?: StatementOptions): Promise<Result<string>>
  /**
   * Hands rows over as they come, as arrays, in blocks: for answers larger than memory. The next block waits for `onRows`;
   * when that rejects, the statement is given up.
   */
  queryEach<T>(
    sql: string,
    onRows: (rows: readonly T[]) => Promise<void>,
    options?: StatementOptions,
  ): Promise<Result<void>>
  /**
   * Inserts rows: objects (JSONEachRow) or arrays (JSONCompactEachRow). `into` is a table, with or without columns, or a
   * whole `INSERT INTO … SELECT … FROM input('…')` without its FORMAT clause. No rows: nothing is sent.
   */
  insertRows(
    into: string,
    rows: readonly object[],
    options?: StatementOptions,
  ): Promise<Result<InsertSummary>>
  /** Inserts an encoded body, e.g. RowBinary; `insert` ends with its FORMAT clause. */
  insertBytes(insert: string, body: Buffer, options?: StatementOptions): Promise<Result<InsertSummary>>
  /** Runs a statement without a result and waits for its end. */
  command(sql: string, options?: StatementOptions): Promise<Result<void>>
  ping(): Promise<Result<void>>
  close(): Promise<void>
}

const SILENT: QueryObservation = { end: () => {} }

export function createClickHouse(
  config: ClickHouseConfig,
  role: ClickHouseRole,
  options: ClickHouseOptions = {},
): ClickHouse {
  const limits: RoleLimits = { ...ROLE_LIMITS[role], ...withoutUndefined(options) }
  const client = createClient({
    url: config.url,
    ...config.users[role],
    application: `millrace-${role}`,
    max_open_connections: limits.queriesConcurrentMax,
    // Ours is the deadline; the client's own is a little later, so that it never hides the reason.
    request_timeout: 600_000,
    compression: { request: false, response: false },
    // Below the server's default keep_alive_timeout of 10 s (30 s in newer ones): no request meets a closing socket.
    keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
    clickhouse_settings: ROLE_SETTINGS[role],
    // It would log statements with what they carry; failures are told by their faults.
    log: { level: ClickHouseLogLevel.OFF },
    use_multipart_params_auto: true,
    ...(config.caFile === null ? {} : { tls: { ca_cert: readFileSync(config.caFile) } }),
  })
  return new RoleClient(client, role, limits, options.onQuery ?? (() => SILENT))
}

const withoutUndefined = ({ onQuery: _, ...limits }: ClickHouseOptions): Partial<RoleLimits> =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))

interface Sent {
  readonly query_params?: Record<string, unknown>
  readonly clickhouse_settings: ClickHouseSettings
  readonly abort_signal: AbortSignal
  readonly http_headers: Record<string, string>
}

class RoleClient implements ClickHouse {
  readonly role: ClickHouseRole
  readonly #client: ClickHouseClient
  readonly #limits: RoleLimits
  readonly #onQuery: (info: QueryInfo) => QueryObservation
  readonly #slots: Slots

  constructor(
    client: ClickHouseClient,
    role: ClickHouseRole,
    limits: RoleLimits,
    onQuery: (info: QueryInfo) => QueryObservation,
  ) {
    this.role = role
    this.#client = client
    this.#limits = limits
    this.#onQuery = onQuery
    this.#slots = new Slots(limits.queriesConcurrentMax, limits.queriesWaitingMax)
  }

  get queriesWaiting(): number {
    return this.#slots.waiting
  }

  query<T>(sql: string, options: QueryOptions = {}): Promise<Result<T[]>> {
    return this.#run(options, async (sent) => {
      const answer = await this.#client.query({
        query: sql,
        format: options.format ?? 'JSONEachRow',
        ...sent,
      })
      return (await answer.json()) as T[]
    })
  }

  queryText(sql: string, options: StatementOptions = {}): Promise<Result<string>> {
    return this.#run(options, async (sent) => {
      const answer = await this.#client.query({ query: sql, format: 'JSONEachRow', ...sent })
      return answer.text()
    })
  }

  queryEach<T>(
    sql: string,
    onRows: (rows: readonly T[]) => Promise<void>,
    options: StatementOptions = {},
  ): Promise<Result<void>> {
    return this.#run(options, async (sent) => {
      const answer = await this.#client.query({ query: sql, format: 'JSONCompactEachRow', ...sent })
      for await (const rows of answer.stream<T>()) await onRows(rows.map((row) => row.json() as T))
    })
  }

  async insertRows(into: string, rows: readonly object[], options: StatementOptions = {}) {
    const [first] = rows
    if (first === undefined) return ok({ rowsWritten: 0 })
    const format = Array.isArray(first) ? 'JSONCompactEachRow' : 'JSONEachRow'
    const insert = /^\s*insert\s/i.test(into) ? into : `INSERT INTO ${into}`
    const body = Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n'))
    return this.insertBytes(`${insert} FORMAT ${format}`, body, options)
  }

  insertBytes(insert: string, body: Buffer, options: StatementOptions = {}): Promise<Result<InsertSummary>> {
    return this.#run(
      options,
      async (sent) => {
        // wait_end_of_query: an error after the first block is an HTTP error too, not a broken body after a 200.
        const settings = { ...sent.clickhouse_settings, wait_end_of_query: 1 as const }
        const values = Readable.from([body], { objectMode: false })
        const answer = await this.#client.exec({
          query: insert,
          values,
          ...sent,
          clickhouse_settings: settings,
        })
        answer.stream.resume()
        return { rowsWritten: Number(answer.summary?.written_rows ?? 0) }
      },
      insertFaultOf,
    )
  }

  command(sql: string, options: StatementOptions = {}): Promise<Result<void>> {
    return this.#run(options, async (sent) => {
      const settings = { ...sent.clickhouse_settings, wait_end_of_query: 1 as const }
      await this.#client.command({ query: sql, ...sent, clickhouse_settings: settings })
    })
  }

  ping(): Promise<Result<void>> {
    return this.#run({ name: 'ping', timeoutMs: 5_000 }, async (sent) => {
      const answer = await this.#client.ping({ select: true, ...sent })
      if (!answer.success) throw answer.error
    })
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  /** Waits for a slot, runs the call under its deadline and translates what it throws. */
  async #run<T>(
    options: StatementOptions,
    call: (sent: Sent) => Promise<T>,
    translate = faultOf,
  ): Promise<Result<T>> {
    const timeoutMs = options.timeoutMs ?? this.#limits.timeoutMs
    using deadline = new Deadline(timeoutMs, options.signal)
    const observed = this.#onQuery({ role: this.role, name: options.name ?? 'statement' })
    const slot = await this.#slots.take(deadline.signal)
    if (!slot.ok) {
      observed.end(slot.fault)
      return slot
    }
    try {
      const value = await call({
        ...(options.params === undefined ? {} : { query_params: { ...options.params } }),
        // A deadline that passed here also stops the work there; a role may not ask for more than its own limit.
        clickhouse_settings: {
          max_execution_time: Math.ceil(Math.min(timeoutMs, ROLE_LIMITS[this.role].timeoutMs) / 1000),
          ...options.settings,
        },
        abort_signal: deadline.requestSignal,
        http_headers: { ...observed.headers },
      })
      observed.end(null)
      return ok(value)
    } catch (error) {
      const fault = translate(deadline.isTimeUp ? new Error(`no answer within ${timeoutMs} ms`) : error)
      observed.end(fault)
      return err(fault)
    } finally {
      slot.value()
    }
  }
}
