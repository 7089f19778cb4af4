export { type EventFacts, factsOf, type Place } from './facts.ts'
export { type Appended, absentAtMs, isOpen, type LedgerEntry, STAGES, type Stage } from './ledger.ts'
export type { Outgoing } from './outbox.ts'
export { KEEP_ALL, type Policy, type RetentionRule } from './policy.ts'
export {
  DeletionState,
  type DeletionStateOptions,
  type Marks,
  type PlacedEvent,
  type PlacedLetter,
} from './state.ts'
export { eventOfEnvelope, eventOfLetter, LogStore, type LogStoreParts } from './stores/log-store.ts'
