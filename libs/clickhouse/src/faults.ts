import { ClickHouseError } from '@clickhouse/client'
import { type Fault, invalid, transient } from '@millrace/kernel'

/**
 * Server error types (system.errors) after which the same statement may succeed later: the server is full, stopping or
 * slow. Everything else the server answers is the statement's own fault and stays one.
 */
const TRANSIENT_TYPES: ReadonlySet<string> = new Set([
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'MEMORY_LIMIT_EXCEEDED',
  'TIMEOUT_EXCEEDED',
  'SOCKET_TIMEOUT',
  'NETWORK_ERROR',
  'QUERY_WAS_CANCELLED',
  'QUERY_WAS_CANCELLED_BY_CLIENT',
  'SERVER_OVERLOADED',
  'ABORTED',
  'TOO_MANY_PARTS',
  'NOT_ENOUGH_SPACE',
  'CANNOT_SCHEDULE_TASK',
  'QUOTA_EXCEEDED',
  'TABLE_IS_READ_ONLY',
  'DATABASE_IS_EMPTY',
])

// The HTTP layer answers these before a statement exists, so they carry no error type.
const OVERSIZED_REQUEST = /HTML Form Exception|URI too long/i

/** Translates what the client threw. Faults: clickhouse-unavailable (transient), clickhouse-refused (invalid). */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof ClickHouseError)) {
    if (error instanceof Error && OVERSIZED_REQUEST.test(error.message))
      return invalid('clickhouse-refused', 'ClickHouse refused: a parameter of the query is too long', error)
    const reason = error instanceof Error ? describe(error) : String(error)
    return transient('clickhouse-unavailable', `ClickHouse is away: ${reason}`, error)
  }
  const type = error.type ?? `code ${error.code}`
  if (TRANSIENT_TYPES.has(type))
    return transient('clickhouse-unavailable', `ClickHouse cannot answer now: ${type}`, error)
  return invalid('clickhouse-refused', `ClickHouse refused: ${type}: ${firstLine(error.message)}`, error)
}

/** The same for an insert: what the server says about it may quote its rows, so only the kind of error is passed on. */
export function insertFaultOf(error: unknown): Fault {
  const fault = faultOf(error)
  if (!(error instanceof ClickHouseError)) return fault
  return invalidOrTransient(fault, `ClickHouse refused an insert: ${error.type ?? `code ${error.code}`}`)
}

const invalidOrTransient = ({ kind, code }: Fault, message: string): Fault =>
  kind === 'transient' ? transient(code, message) : invalid(code, message)

const describe = (error: Error): string => {
  const code = (error as NodeJS.ErrnoException).code
  return code === undefined ? firstLine(error.message) : code
}

const firstLine = (message: string): string => (message.split('\n', 1)[0] ?? '').slice(0, 200)
