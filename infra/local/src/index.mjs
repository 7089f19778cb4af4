export { startClickHouse } from './clickhouse/launch.mjs'
export { ensureKafkaJars, KAFKA_VERSION } from './kafka/jars.mjs'
export { startKafka } from './kafka/launch.mjs'
export { OperatorError } from './operator-error.mjs'
export { describeExit } from './process/launched.mjs'
export { freePorts } from './process/ports.mjs'
export { startStack } from './stack.mjs'

/**
 * @typedef {import('./clickhouse/launch.mjs').ClickHouseOptions} ClickHouseOptions
 * @typedef {import('./clickhouse/launch.mjs').RunningClickHouse} RunningClickHouse
 * @typedef {import('./kafka/launch.mjs').KafkaOptions} KafkaOptions
 * @typedef {import('./kafka/launch.mjs').RunningKafka} RunningKafka
 * @typedef {import('./process/launched.mjs').Exit} Exit
 * @typedef {import('./settings.mjs').StackPorts} StackPorts
 * @typedef {import('./stack.mjs').PartStatus} PartStatus
 * @typedef {import('./stack.mjs').RunningStack} RunningStack
 * @typedef {import('./stack.mjs').StackOptions} StackOptions
 * @typedef {import('./stack.mjs').StackStatus} StackStatus
 */
