import {
  type ConfigOf,
  clickHouseSection,
  defineSection,
  erasureSection,
  kafkaSection,
  list,
  port,
  processSection,
  retentionSection,
  text,
  wholeNumber,
} from '@millrace/config'

/** Another process that /health asks. */
export interface HealthTarget {
  readonly name: string
  readonly url: string
}

const DEFAULT_PORT = 7780
const MIB = 1024 * 1024

const healthTargets = list('Other processes that /health asks: name=url of their /ready').transform(
  (entries, ctx): HealthTarget[] =>
    entries.flatMap((entry) => {
      const [name = '', url = ''] = splitOnce(entry, '=')
      if (/^[a-z0-9-]+$/.test(name) && URL.canParse(url) && /^https?:/.test(url)) return [{ name, url }]
      ctx.addIssue({ code: 'custom', message: `"${entry}" is not name=http(s)://…` })
      return []
    }),
)

const apiSection = defineSection(
  'Query API',
  {
    API_HOST: text('127.0.0.1', 'Interface it listens on'),
    API_PORT: port(DEFAULT_PORT, 'Port it listens on; 0 takes a free one'),
    HEALTH_TARGETS: healthTargets,
    API_HEALTH_TIMEOUT_MS: wholeNumber('ms', 1_500, 'Longest wait for one of them, and for ClickHouse', {
      min: 1,
    }),
    API_REQUEST_TIMEOUT_MS: wholeNumber('ms', 10_000, 'Longest time one request may take', { min: 10 }),
    API_REQUESTS_CONCURRENT_MAX: wholeNumber(
      'requests',
      256,
      'Requests answered at once; past it they are refused with 503',
      { min: 1 },
    ),
    API_CONNECTIONS_MAX: wholeNumber('connections', 1_024, 'Open connections', { min: 1 }),
    API_RESPONSE_BYTES_MAX: wholeNumber(
      'bytes',
      4 * MIB,
      'Event bytes of one page; a page that would grow past it ends early, with a cursor',
      { min: 1 },
    ),
    API_CORS_ORIGINS: list('Origins that browsers may call from; * = any', '*'),
  },
  (v) => ({
    host: v.API_HOST,
    port: v.API_PORT,
    healthTargets: v.HEALTH_TARGETS,
    healthTimeoutMs: v.API_HEALTH_TIMEOUT_MS,
    requestTimeoutMs: v.API_REQUEST_TIMEOUT_MS,
    requestsConcurrentMax: v.API_REQUESTS_CONCURRENT_MAX,
    connectionsMax: v.API_CONNECTIONS_MAX,
    responseBytesMax: v.API_RESPONSE_BYTES_MAX,
    corsOrigins: v.API_CORS_ORIGINS,
  }),
)

export const SECTIONS = {
  process: processSection(DEFAULT_PORT),
  kafka: kafkaSection,
  clickhouse: clickHouseSection,
  api: apiSection,
  retention: retentionSection,
  erasure: erasureSection,
}

export type QueryApiConfig = ConfigOf<typeof SECTIONS>
export type ApiConfig = QueryApiConfig['api']

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
