export { testClickHouseUrl, testKafkaBrokers } from './environment.ts'
export {
  type DeadlineOptions,
  type Frame,
  type OkFrame,
  RelayClient,
  type RequestResult,
  type WireFilter,
} from './relay-client.ts'
export { RelaySubscription } from './relay-subscription.ts'
export {
  type EventTemplate,
  type SignedEvent,
  sign,
  signAuth,
  type TestKey,
  testKey,
  unsigned,
} from './signer.ts'
export { type UntilOptions, until, within } from './until.ts'
