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

/** Translates what the client threw. Faults: clickhouse-unavailable (transient), clickhouse-refused (invalid). */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof ClickHouseError)) {
    const reason = error instanceof Error ? describe(error) : String(error)
    return transient('clickhouse-unavailable', `ClickHouse is away: ${reason}`, error)
  }
  const type = error.type ?? `code ${error.code}`
  if (TRANSIENT_TYPES.has(type))
    return transient('clickhouse-unavailable', `ClickHouse cannot answer now: ${type}`, error)
  return invalid('clickhouse-refused', `ClickHouse refused: ${type}: ${firstLine(error.message)}`, error)
}

const describe = (error: Error): string => {
  const code = (error as NodeJS.ErrnoException).code
  return code === undefined ? firstLine(error.message) : code
}

// Server messages may quote the statement; its first 200 characters hold no row data, which follows the statement.
const firstLine = (message: string): string => (message.split('\n', 1)[0] ?? '').slice(0, 200)
