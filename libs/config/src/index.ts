export {
  type AnySection,
  type ConfigOf,
  defineSection,
  describeConfig,
  type Environment,
  parseConfig,
  printConfig,
  type Section,
  type SettingDoc,
  secret,
  settingDocs,
} from './define.ts'
export { type RelayAddress, relayUrls } from './relay-urls.ts'
export {
  CLICKHOUSE_ROLES,
  type ClickHouseConfig,
  type ClickHouseRole,
  clickHouseSection,
} from './sections/clickhouse.ts'
export { type ErasureConfig, erasureSection } from './sections/erasure.ts'
export { type KafkaConfig, kafkaSection } from './sections/kafka.ts'
export { type ProcessConfig, processSection } from './sections/process.ts'
export { relayAddressSection } from './sections/relay-address.ts'
export { type RetentionConfig, type RetentionRule, retentionSection } from './sections/retention.ts'
export { type TopicsConfig, topicsSection } from './sections/topics.ts'
export { flag, list, optionalText, port, text, wholeNumber } from './values.ts'
