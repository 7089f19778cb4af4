import { defineSection, secret } from '../define.ts'
import { optionalText, text } from '../values.ts'

/** Who asks ClickHouse: each role is a user of its own with its own limits. */
export const CLICKHOUSE_ROLES = ['insert', 'req', 'api', 'maintenance'] as const
export type ClickHouseRole = (typeof CLICKHOUSE_ROLES)[number]

export interface ClickHouseConfig {
  readonly url: string
  readonly users: Readonly<Record<ClickHouseRole, { readonly username: string; readonly password: string }>>
  /** A PEM file with the certificate authority of the server, where it is not a public one. */
  readonly caFile: string | null
}

export const clickHouseSection = defineSection(
  'ClickHouse',
  {
    CLICKHOUSE_URL: text('http://127.0.0.1:8123', 'HTTP(S) address of ClickHouse'),
    CLICKHOUSE_CA_FILE: optionalText('PEM file of the certificate authority that signed the server'),
    CLICKHOUSE_INSERT_USER: text('millrace_insert', 'User of the sinks'),
    CLICKHOUSE_INSERT_PASSWORD: secret(text('', 'Its password')),
    CLICKHOUSE_REQ_USER: text('millrace_req', 'User of the relay: REQ and COUNT reads'),
    CLICKHOUSE_REQ_PASSWORD: secret(text('', 'Its password')),
    CLICKHOUSE_API_USER: text('millrace_api', 'User of the query API'),
    CLICKHOUSE_API_PASSWORD: secret(text('', 'Its password')),
    CLICKHOUSE_MAINTENANCE_USER: text('default', 'User of migrations and maintenance'),
    CLICKHOUSE_MAINTENANCE_PASSWORD: secret(text('', 'Its password')),
  },
  (v): ClickHouseConfig => ({
    url: v.CLICKHOUSE_URL,
    caFile: v.CLICKHOUSE_CA_FILE ?? null,
    users: {
      insert: { username: v.CLICKHOUSE_INSERT_USER, password: v.CLICKHOUSE_INSERT_PASSWORD },
      req: { username: v.CLICKHOUSE_REQ_USER, password: v.CLICKHOUSE_REQ_PASSWORD },
      api: { username: v.CLICKHOUSE_API_USER, password: v.CLICKHOUSE_API_PASSWORD },
      maintenance: { username: v.CLICKHOUSE_MAINTENANCE_USER, password: v.CLICKHOUSE_MAINTENANCE_PASSWORD },
    },
  }),
)
