// What somebody with the analyst's user tries in order to reach rows that the views leave out: conditions that fail on the
// row they want, and settings that would let the server evaluate them there.

/** Conditions on a hidden row that give it away: by throwing at it, or by quoting it in the error. */
export interface Probe {
  readonly view: string
  /** Throws where a hidden row is met. */
  readonly throwing: string
  /** Fails to parse a hidden text, and so quotes it. */
  readonly quoting: string
}

/** Texts of hidden rows begin with this. */
export const SECRET = 'SECRET'

const hexIds = (ids: readonly string[]): string => ids.map((id) => `unhex('${id}')`).join(', ')

/** One for each view; `ids` are those of all hidden events. */
export const probesOf = (ids: readonly string[]): readonly Probe[] =>
  [
    ['nostr.events', 'content'],
    ['nostr.events_current', 'content'],
    ['nostr.event_tags', 'value'],
  ].map(([view = '', text]) => ({
    view,
    throwing: `NOT throwIf(${text} LIKE '${SECRET}%' OR kind IN (4, 13, 14, 15, 1059) OR id_bytes IN (${hexIds(ids)}))`,
    quoting: `if(${text} LIKE '${SECRET}%', toUInt8(${text}), 0) = 0`,
  }))

/** As the physical tables name it, inside a string. */
const stored = (condition: string): string => condition.replaceAll('_bytes', '').replaceAll("'", "\\'")

/** Settings that move conditions, leave out policies or read otherwise. */
const SETTINGS: readonly string[] = [
  'optimize_move_to_prewhere_if_final = 1',
  'optimize_move_to_prewhere = 1, optimize_move_to_prewhere_if_final = 1, move_all_conditions_to_prewhere = 1',
  'apply_row_policy_after_final = 0',
  'apply_row_policy_after_final = 0, optimize_move_to_prewhere_if_final = 1',
  'apply_prewhere_after_final = 1, optimize_move_to_prewhere_if_final = 1',
  'allow_reorder_prewhere_conditions = 1, optimize_move_to_prewhere_if_final = 1',
  'enable_multiple_prewhere_read_steps = 0, optimize_move_to_prewhere_if_final = 1',
  'enable_analyzer = 0',
  'enable_analyzer = 0, optimize_move_to_prewhere_if_final = 1',
  "compatibility = '22.8'",
  "short_circuit_function_evaluation = 'force_enable'",
  "short_circuit_function_evaluation = 'disable'",
  'enable_optimize_predicate_expression = 1, query_plan_filter_push_down = 1',
  'query_plan_enable_optimizations = 0',
  'query_plan_merge_filters = 1, query_plan_merge_expressions = 1',
  'query_plan_execute_functions_after_sorting = 0, query_plan_optimize_lazy_materialization = 1',
  'optimize_trivial_count_query = 1, optimize_use_implicit_projections = 1',
  'optimize_read_in_order = 1, query_plan_read_in_order = 1',
  'use_query_condition_cache = 1, use_query_cache = 1, query_cache_min_query_runs = 0',
  'final = 0',
  'do_not_merge_across_partitions_select_final = 1, defer_partition_pruning_after_final = 0',
  'use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0',
  'compile_expressions = 1, min_count_to_compile_expression = 0',
  'allow_experimental_parallel_reading_from_replicas = 1, max_parallel_replicas = 3',
  'force_optimize_projection = 0, optimize_use_projections = 1',
  'max_threads = 64, max_block_size = 1',
  'readonly = 0',
  "profile = 'default'",
  "allow_introspection_functions = 1, send_logs_level = 'trace'",
  "transform_null_in = 1, join_use_nulls = 1, session_timezone = 'Pacific/Apia'",
]

/** Settings that bring a condition of their own to the physical tables, under every name they go by. */
const filterSettings = (probe: Probe): readonly string[] =>
  [probe.throwing, probe.quoting].flatMap((condition) => {
    const physical = stored(condition)
    const tables = ['events', 'winners', 'event_tags'].map((table) => `nostr_store.${table}`)
    const named = (names: readonly string[]): string =>
      `additional_table_filters = {${names.map((name) => `'${name}': '${physical}'`).join(', ')}}`
    return [named(tables), named(['e', 't', 'events', 'winners', 'event_tags'])]
  })

/** A query as the server gets it: the statement, and settings of the request. */
export interface Attack {
  readonly sql: string
  readonly urlSettings?: string
}

/** Every attack on one view. Each counts the rows of the view, or is refused. */
export function attacksOn(probe: Probe): readonly Attack[] {
  const { view } = probe
  const plain = `SELECT count() AS rows FROM ${view} WHERE ${probe.throwing} AND ${probe.quoting}`
  const attacks: Attack[] = [
    { sql: plain },
    { sql: `SELECT count() AS rows FROM ${view} WHERE ${probe.quoting} AND ${probe.throwing}` },
    { sql: `SELECT count() AS rows FROM ${view} PREWHERE ${probe.throwing}` },
    { sql: `SELECT sum(x) AS rows FROM (SELECT if(${probe.throwing}, 1, 0) AS x FROM ${view})` },
    { sql: `SELECT countIf(${probe.throwing} AND ${probe.quoting}) AS rows FROM ${view}` },
    { sql: `SELECT count() AS rows FROM ${view} WHERE ${probe.throwing} ORDER BY min(created_at)` },
  ]
  for (const settings of SETTINGS)
    attacks.push({ sql: `${plain} SETTINGS ${settings}` }, ...inside(plain, settings).slice(0, 1))
  for (const settings of filterSettings(probe)) {
    const all = `SELECT count() AS rows FROM ${view}`
    attacks.push({ sql: `${all} SETTINGS ${settings}` }, ...inside(all, settings), inRequest(all, settings))
  }
  attacks.push(...inside(plain, 'optimize_move_to_prewhere_if_final = 1'))
  attacks.push(inRequest(plain, 'optimize_move_to_prewhere_if_final = 1'))
  return attacks
}

/** Settings where the restrictions of the top level do not reach. */
const inside = (sql: string, settings: string): Attack[] => {
  const nested = `${sql} SETTINGS ${settings}`
  return [
    { sql: `SELECT rows FROM (${nested})` },
    { sql: `WITH counted AS (${nested}) SELECT rows FROM counted` },
    { sql: `SELECT rows FROM view(${nested})` },
    { sql: `SELECT (${nested}) AS rows` },
    { sql: `SELECT arrayJoin([1]) AS one, rows FROM (SELECT 1) AS a CROSS JOIN (${nested}) AS b` },
  ]
}

const inRequest = (sql: string, settings: string): Attack => {
  const [name = '', value = ''] = settings.split(/ = (.*)/s)
  return { sql, urlSettings: `${name}=${encodeURIComponent(value)}` }
}

/** Ways around the views altogether. */
export const DETOURS: readonly string[] = [
  'SELECT * FROM nostr_store.events',
  'SELECT * FROM nostr_store.events_alive',
  'SELECT * FROM nostr_store.address_floors',
  "SELECT * FROM merge('nostr_store', 'events')",
  "SELECT * FROM remote('127.0.0.1', nostr_store.events)",
  "SELECT * FROM cluster('default', nostr_store.events)",
  "SELECT * FROM clusterAllReplicas('default', nostr_store.events)",
  'SELECT * FROM loop(nostr_store.events)',
  "SELECT * FROM mergeTreeIndex('nostr_store', 'events')",
  "SELECT * FROM mergeTreeProjection('nostr_store', 'events', '_minmax_count_projection')",
  "SELECT * FROM mergeTreeTextIndex('nostr_store', 'events', 'id_bloom')",
  "SELECT * FROM mergeTreeAnalyzeIndexes('nostr_store', 'events')",
  "SELECT * FROM dictionary('nostr_store.events')",
  "SELECT * FROM file('/etc/passwd', 'LineAsString', 'x String')",
  "SELECT * FROM executable('x', 'TSV', 'x String')",
  "SELECT * FROM sqlite('/tmp/x.db', 'x')",
  "SELECT * FROM fuzzQuery('SELECT 1')",
  "SELECT * FROM eval('SELECT content FROM nostr_store.events')",
  "SELECT * FROM (SELECT * FROM eval('SELECT content FROM nostr_store.events') SETTINGS allow_experimental_eval_table_function = 1)",
  'SELECT * FROM system.parts',
  'SELECT * FROM system.processes',
  'SELECT * FROM system.query_log',
  'SELECT * FROM system.row_policies',
  'SELECT * FROM system.users',
  'SHOW CREATE USER millrace_views',
  'SHOW ROW POLICIES',
  'CREATE TEMPORARY TABLE t AS SELECT * FROM nostr.events',
  'CREATE VIEW nostr.mine AS SELECT 1',
  'EXECUTE AS millrace_views SELECT 1',
  'SET readonly = 0',
]

/** Ways that are open and lead to what everybody sees, or to nothing. */
export const OPEN_WAYS: readonly string[] = [
  "SELECT * FROM merge(REGEXP('nostr.*'), 'event')",
  "SELECT content FROM viewIfPermitted(SELECT content FROM nostr_store.events ELSE null('content String'))",
  "SELECT * FROM viewExplain('EXPLAIN', 'actions = 1', (SELECT content FROM nostr.events))",
  'SHOW CREATE TABLE nostr.events',
  'SELECT * FROM system.columns',
  'SELECT * FROM system.tables',
  'SELECT * FROM system.databases',
  'EXPLAIN ESTIMATE SELECT * FROM nostr.event_tags',
  'EXPLAIN AST SELECT * FROM nostr.events',
  'EXPLAIN SYNTAX SELECT * FROM nostr.events',
]
