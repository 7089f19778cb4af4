/**
 * @typedef {object} Limits
 * @property {number} memoryBytesMax per query
 * @property {number} executionS per query
 * @property {number} [executionMaxS] what a query may ask for instead; executionS unless given
 * @property {number} threadsMax per query
 * @property {number} concurrentMax queries of the user at a time
 *
 * @typedef {object} Role
 * @property {string} name as in CLICKHOUSE_<ROLE>_USER and CLICKHOUSE_<ROLE>_PASSWORD
 * @property {string} defaultUser
 * @property {Limits} limits
 * @property {0 | 1 | 2} readonly 2 = reads only, but a query may lower its own limits; 1 = besides those, only openSettings
 * @property {readonly string[]} [openSettings] what a query may set under readonly = 1
 * @property {readonly string[] | 'all'} grants
 */

const GIB = 1024 ** 3

/** What every reader may see of the server itself: tables and columns it has grants for, and how busy it is. */
const METADATA = ['tables', 'columns', 'databases', 'parts', 'mutations', 'processes', 'dictionaries'].map(
  (table) => `GRANT SELECT ON system.${table}`,
)

const READ_ALL = ['GRANT SELECT, dictGet ON nostr_store.*', 'GRANT SELECT, dictGet ON nostr.*']

/** What people's tools set: the form of an answer and how much of it. Nothing that plans or reads. */
const ANSWER_SETTINGS = [
  ...['max_result_rows', 'max_result_bytes', 'result_overflow_mode', 'limit', 'offset', 'extremes'],
  ...['session_timezone', 'date_time_output_format', 'date_time_input_format', 'log_comment'],
  ...['output_format_json_quote_64bit_integers', 'output_format_json_quote_denormals'],
  ...['output_format_json_quote_decimals', 'output_format_json_named_tuples_as_objects'],
  ...['output_format_json_escape_forward_slashes', 'output_format_json_array_of_rows'],
  ...['output_format_write_statistics', 'output_format_pretty_max_rows', 'output_format_pretty_color'],
  ...['output_format_pretty_max_value_width', 'output_format_csv_crlf_end_of_line', 'format_csv_delimiter'],
  ...['output_format_arrow_string_as_string', 'output_format_parquet_string_as_string'],
  ...['enable_http_compression', 'http_zlib_compression_level', 'network_compression_method'],
  ...['http_wait_end_of_query', 'send_progress_in_http_headers', 'http_headers_progress_interval_ms'],
  ...['cancel_http_readonly_queries_on_client_close', 'join_use_nulls', 'group_by_use_nulls'],
]

/** Who asks ClickHouse. The analyst sees only the views of `nostr`, which run with the rights of views-user.mjs. */
export const ROLES = /** @type {readonly Role[]} */ ([
  {
    name: 'maintenance',
    defaultUser: 'default',
    limits: { memoryBytesMax: 2 * GIB, executionS: 3600, threadsMax: 4, concurrentMax: 50 },
    readonly: 0,
    grants: 'all',
  },
  {
    name: 'insert',
    defaultUser: 'millrace_insert',
    limits: { memoryBytesMax: 1.5 * GIB, executionS: 300, threadsMax: 2, concurrentMax: 50 },
    readonly: 0,
    grants: [
      'GRANT SELECT, INSERT, ALTER UPDATE, ALTER DELETE, OPTIMIZE, TRUNCATE, dictGet ON nostr_store.*',
      'GRANT SELECT, dictGet ON nostr.*',
      'GRANT CREATE TEMPORARY TABLE ON *.*',
      'GRANT SYSTEM RELOAD DICTIONARY ON *.*',
      // A table at rest is woken so that it removes parts with erased rows.
      'GRANT SYSTEM MERGES ON nostr_store.*',
      'GRANT SELECT ON system.detached_parts',
      ...METADATA,
    ],
  },
  {
    name: 'req',
    defaultUser: 'millrace_req',
    // An edge reads all known ids once, at its start.
    limits: {
      memoryBytesMax: 0.5 * GIB,
      executionS: 10,
      executionMaxS: 600,
      threadsMax: 2,
      concurrentMax: 100,
    },
    readonly: 2,
    grants: [...READ_ALL, 'GRANT CREATE TEMPORARY TABLE ON *.*', ...METADATA],
  },
  {
    name: 'api',
    defaultUser: 'millrace_api',
    limits: { memoryBytesMax: 1 * GIB, executionS: 30, threadsMax: 2, concurrentMax: 50 },
    readonly: 2,
    grants: [...READ_ALL, 'GRANT CREATE TEMPORARY TABLE ON *.*', ...METADATA],
  },
  {
    name: 'analyst',
    defaultUser: 'analyst',
    limits: { memoryBytesMax: 1 * GIB, executionS: 60, threadsMax: 2, concurrentMax: 8 },
    readonly: 1,
    openSettings: ANSWER_SETTINGS,
    grants: [
      'GRANT SELECT ON nostr.*',
      ...['tables', 'columns', 'databases'].map((t) => `GRANT SELECT ON system.${t}`),
    ],
  },
])
