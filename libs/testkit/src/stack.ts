/**
 * The launchers of the real Kafka and ClickHouse, for tests that start, kill and restart servers of their own. Apart from
 * the index, so that pure tests do not load them.
 */
export * from '@millrace/infra-local'
