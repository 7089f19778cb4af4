export {
  AUTH_CREATED_AT_TOLERANCE_S,
  type AuthExpectation,
  checkAuthEvent,
  normalizeRelayUrl,
} from './client-auth.ts'
export {
  type ClientMessage,
  isSubscriptionId,
  type MessageFault,
  parseClientMessage,
} from './client-message.ts'
export { type Address, deletionTargets, floorLeftBy, parseAddress, vanishTarget } from './deletion.ts'
export type { Envelope, NostrEvent, Receipt } from './event.ts'
export { canonicalJson, checkEventId, eventId, eventJson, type UnsignedEvent } from './event-id.ts'
export { expirationOf, isExpired } from './expiration.ts'
export { type Filter, parseFilter, parseFilters } from './filter.ts'
export { GUARDED_KINDS, isProtected, mayRead, namesOnlyGuardedKinds } from './guard.ts'
export { isHex64, isHex128 } from './hex.ts'
export {
  addressKey,
  addressOf,
  dTagOf,
  isGiftWrap,
  KIND_MAX,
  KINDS,
  type KindClass,
  kindClass,
} from './kinds.ts'
export { indexedTags, isIndexedName, matchesAny, matchesFilter } from './match.ts'
export { ownerOf, somePTag } from './owner.ts'
export { CREATED_AT_MAX, claimedEventId, parseEvent } from './parse-event.ts'
export {
  authMessage,
  closedMessage,
  countMessage,
  eoseMessage,
  eventMessage,
  MESSAGE_PREFIXES,
  type MessagePrefix,
  noticeMessage,
  okMessage,
  type PrefixedMessage,
} from './relay-message.ts'
export {
  type FloorFacts,
  isErasureRequest,
  type RequestContext,
  tombstoneOfExpired,
  tombstoneOfRetired,
  tombstonesOf,
} from './request-tombstones.ts'
export type { Floor, Tombstone, TombstoneTarget } from './tombstone.ts'
export { TombstoneSet } from './tombstone-set.ts'
export { compareServed, isNewerVersion } from './winner.ts'
