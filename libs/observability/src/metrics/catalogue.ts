interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const DAYS_IN_SECONDS = [1, 5, 15, 30, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800]
const LONG_SECONDS = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const COUNTS = [1, 10, 50, 100, 500, 1_000, 5_000, 10_000, 50_000]

const counter = <const L extends readonly string[]>(help: string, labels: L) =>
  ({ type: 'counter', help, labels }) as const satisfies MetricSpec
const gauge = <const L extends readonly string[]>(help: string, labels: L) =>
  ({ type: 'gauge', help, labels }) as const satisfies MetricSpec
const histogram = <const L extends readonly string[]>(help: string, labels: L, buckets: readonly number[]) =>
  ({ type: 'histogram', help, labels, buckets }) as const satisfies MetricSpec

/**
 * Every metric of the platform; docs/metrics.md is generated from it. Labels never carry keys or ids. The label `kind`
 * is bounded: kinds outside the well-known ones count as "other".
 */
export const METRICS = {
  // the edge
  relay_connections: gauge('Open WebSocket connections', []),
  relay_connections_closed_total: counter('WebSocket connections closed by the relay', ['reason']),
  relay_subscriptions: gauge('Live subscriptions', []),
  relay_messages_received_total: counter('Client messages', ['verb']),
  relay_events_refused_total: counter('EVENTs answered with OK false', ['code']),
  relay_events_duplicate_total: counter('EVENTs that were known already', []),
  relay_event_ack_seconds: histogram('From an EVENT frame to its OK', [], SECONDS),
  relay_req_first_frame_seconds: histogram('From a REQ frame to its first answer frame', [], SECONDS),
  relay_req_eose_seconds: histogram('From a REQ frame to its EOSE', [], SECONDS),
  relay_rate_limited_total: counter(
    'What went over the rate of its address: refused (event, query, auth, connection) or read later (byte)',
    ['what'],
  ),
  relay_rate_limit_addresses: gauge('Client addresses whose use is remembered', []),
  relay_deliveries_total: counter('Live events sent to subscriptions', []),
  relay_outbox_bytes: gauge('Bytes waiting in sockets for slow clients', []),
  relay_overlay_events: gauge(
    'Acknowledged events that neither storage nor the serving view answers for yet',
    [],
  ),
  relay_overlay_bytes: gauge('Their size, bytes', []),
  relay_view_serving: gauge('1 once the serving view answers REQs, 0 while it is being filled', []),
  relay_view_events: gauge('Events in the serving view', ['class']),
  relay_view_bytes: gauge('What they and their postings take, bytes, estimated', ['class']),
  relay_view_file_bytes: gauge('Size of its file, free pages included, bytes', []),
  relay_view_horizon_timestamp_seconds: gauge(
    'created_at down to which the serving view is complete; 0: it lacks nothing',
    ['class'],
  ),
  relay_view_addresses_in_doubt: gauge('Addresses whose current version only ClickHouse can tell', []),
  relay_view_events_applied_total: counter('Records applied to the serving view', []),
  relay_view_apply_seconds: histogram('One transaction of the serving view', [], SECONDS),
  relay_view_compactions_total: counter(
    'Compactions of the serving view, which take what is erased out of its file; disk-full: not begun for want of room',
    ['outcome'],
  ),
  relay_view_compaction_seconds: histogram(
    'One compaction that succeeded; nothing is applied meanwhile',
    [],
    LONG_SECONDS,
  ),
  relay_view_erased_since_seconds: gauge(
    'Age of the oldest erased bytes that may lie in the files of the serving view; 0: none do',
    [],
  ),
  relay_view_below_total: counter('Pages of REQs that ClickHouse answered below the horizon of the view', []),
  relay_worker_restarts_total: counter('Workers of RELAY_WORKERS that ended and were started again', []),
  relay_known_ids: gauge('Event ids in the duplicate filter', []),
  relay_known_bytes: gauge('Its size with that of the addresses, bytes', []),
  relay_recent_ids: gauge('Ids recently acknowledged or delivered, held exactly', []),
  relay_duplicate_checks_total: counter(
    'Ids judged, by what told: bloom (proven new), recent, overlay, view and store (duplicates and new ones), none (no answer in time)',
    ['by', 'result'],
  ),
  relay_duplicate_false_positives_total: counter(
    'Ids that the Bloom filter took for known and nobody knew',
    [],
  ),
  relay_tombstones: gauge('Tombstones held by this edge', []),
  relay_live_lag_records: gauge('Records between the live reader and the end of the log', ['partition']),
  relay_records_skipped_total: counter('Records that the live reader could not use', ['code']),
  verifier_pending: gauge('Signatures waiting to be checked', []),
  verifier_checked_total: counter('Signatures checked', ['result']),
  // the log
  kafka_produce_seconds: histogram('From a batch leaving to its acknowledgement', [], SECONDS),
  kafka_produce_batch_records: histogram('Records per produce request', [], COUNTS),
  kafka_produce_pending_records: gauge('Records accepted and not yet acknowledged', []),
  kafka_produce_failures_total: counter('Records that were not acknowledged', ['code']),
  kafka_consumer_lag_records: gauge('Records between a consumer and the end of its partition', [
    'group',
    'topic',
    'partition',
  ]),
  kafka_consumer_rebalances_total: counter('Assignments received', ['group']),
  // sinks
  ingestion_events_received_total: counter('Event records read by the sink', ['kind']),
  ingestion_events_written_total: counter('Events written to ClickHouse', []),
  ingestion_events_dropped_total: counter('Records dropped by a step', ['reason']),
  ingestion_batch_size: histogram('Events per write', [], COUNTS),
  ingestion_clickhouse_write_latency_seconds: histogram('One durable write of a batch', [], SECONDS),
  ingestion_lag_seconds: gauge('Age of the oldest event that is in the log and not yet written', []),
  ingestion_watermark_age_seconds: gauge('Time since the watermark of a partition was written', [
    'partition',
  ]),
  ingestion_retries_total: counter('Writes repeated because ClickHouse was away', []),
  storage_erasure_events_total: counter('Erased events whose rows were deleted from ClickHouse', []),
  storage_erasure_seconds: histogram('Deleting the rows of one batch of tombstones', [], DAYS_IN_SECONDS),
  storage_erasure_backlog_tombstones: gauge('Tombstones whose rows are being deleted', []),
  dead_letters_total: counter('Records refused to the dead letters', ['code']),
  // deletion
  deletion_known_events: gauge('Events that the deletion consumer knows', []),
  deletion_outbox_records: gauge('Tombstones and nulls decided and not yet acknowledged', []),
  deletion_records_appended_total: counter('Records handed to Kafka: tombstone, event-null, letter-null', [
    'record',
  ]),
  deletion_due_total: counter('Events that expired, were kept long enough or were superseded long ago', []),
  deletion_heartbeats_total: counter('Records appended so that quiet partitions are cleaned', []),
  deletion_erasures_open: gauge('Requests for erasure that are not through every store yet', []),
  deletion_oldest_open_erasure_seconds: gauge('Age of the oldest of them; 0: there is none', []),
  deletion_time_to_absent_seconds: histogram(
    'From a request in the log to its targets being absent from every store',
    [],
    DAYS_IN_SECONDS,
  ),
  // reads
  clickhouse_query_seconds: histogram('ClickHouse queries', ['role', 'query'], SECONDS),
  clickhouse_failures_total: counter('ClickHouse queries that failed', ['role', 'code']),
  clickhouse_queries_waiting: gauge('Queries waiting for a free slot', ['role']),
  reader_refills_total: counter('REQ pages read again because exclusions left the limit unfilled', []),
  api_requests_total: counter('Requests of the query API', ['endpoint', 'status']),
  api_request_seconds: histogram('Requests of the query API', ['endpoint'], SECONDS),
  api_clickhouse_query_duration_seconds: histogram('ClickHouse time of a request', ['endpoint'], SECONDS),
} as const satisfies Record<string, MetricSpec>

export type MetricName = keyof typeof METRICS
export type MetricOfType<T extends MetricSpec['type']> = {
  [K in MetricName]: (typeof METRICS)[K]['type'] extends T ? K : never
}[MetricName]

/** The labels a metric takes, by type. */
export type LabelsOf<N extends MetricName> = Readonly<Record<(typeof METRICS)[N]['labels'][number], string>>

const WELL_KNOWN_KINDS = new Set([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 20, 21, 22, 40, 41, 42, 43, 44, 62, 443, 444, 445, 1018, 1059,
  1063, 1068, 1111, 1311, 1984, 1985, 9041, 9734, 9735, 9802, 10000, 10001, 10002, 10003, 10050, 13194, 22242,
  24133, 27235, 30000, 30001, 30003, 30009, 30017, 30018, 30023, 30024, 30078, 30311, 30315, 31922, 31923,
  31989, 31990, 34235, 34236, 34550,
])

/** The value of the label `kind`: bounded, since anybody can send any of 65,536 kinds. */
export const kindLabel = (kind: number): string => (WELL_KNOWN_KINDS.has(kind) ? String(kind) : 'other')
