/**
 * Where the running test stack is. The addresses come from `npm test`, which starts a real Kafka and a real ClickHouse;
 * a missing one fails the test, because a test that skips itself checks nothing.
 */
function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '')
    throw new Error(`${name} is not set: run the tests with \`npm test\`, which starts Kafka and ClickHouse`)
  return value
}

/** host:port of every bootstrap broker of the test stack. */
export const testKafkaBrokers = (): string[] => required('TEST_KAFKA_BROKERS').split(',')

/** HTTP URL of the test stack's ClickHouse. */
export const testClickHouseUrl = (): string => required('TEST_CLICKHOUSE_URL')
