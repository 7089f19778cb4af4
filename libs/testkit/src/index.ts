export {
  type ArbitraryEventOptions,
  AUTHORS,
  arbitraryAuthor,
  arbitraryBrokenEvent,
  arbitraryCreatedAt,
  arbitraryEvent,
  arbitraryHistory,
  type BrokenEvent,
  EPOCH_S,
  KINDS_OF_INTEREST,
  SPAN_S,
} from './arbitrary-event.ts'
export { arbitraryFilter } from './arbitrary-filter.ts'
export { arbitraryFrame } from './arbitrary-frame.ts'
export { arbitraryTombstone } from './arbitrary-tombstone.ts'
export { testClickHouseUrl, testKafkaBrokers } from './environment.ts'
export { type NaiveLogRules, type NaiveRemains, naiveRemains } from './naive/naive-log.ts'
export { NaiveRelay, type NaiveRelayOptions, type NaiveVerdict } from './naive/naive-relay.ts'
export {
  type NaiveFilter,
  naiveAddress,
  naiveClass,
  naiveExpired,
  naiveMatches,
  naiveMayRead,
  servedFirst,
} from './naive/naive-rules.ts'
export {
  floorAt,
  type NaiveTombstone,
  tombstonesOfDeletion,
  tombstonesOfVanish,
} from './naive/naive-tombstones.ts'
export {
  below,
  type HistoryWorld,
  ownerOfNaive,
  pick,
  type Random,
  randomHistory,
  seeded,
  shuffled,
} from './random-history.ts'
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
