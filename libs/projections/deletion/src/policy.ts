import { KINDS } from '@millrace/nostr'
import type { EventFacts } from './facts.ts'
import { DUE, type DueReason } from './keys.ts'

/** How long events of some kinds are kept, counted from when the log took them in. */
export interface RetentionRule {
  readonly kindFrom: number
  /** Inclusive. */
  readonly kindTo: number
  readonly keptS: number
}

export interface Policy {
  /** The first rule that names the kind holds; kinds 5 and 62 are always kept. */
  readonly retention: readonly RetentionRule[]
  /** How long a superseded version stays in the log, seconds; null: for ever. */
  readonly supersededKeptS: number | null
}

export const KEEP_ALL: Policy = { retention: [], supersededKeptS: null }

/** Tells policies apart. */
export const policyKeyOf = (policy: Policy): string => JSON.stringify(policy)

/** When the event is to go by itself, and why; the times lie in the past for what is late. */
export function* duesOf(facts: EventFacts, { retention }: Policy): Generator<readonly [number, DueReason]> {
  if (facts.expirationS !== null) yield [facts.expirationS, DUE.expiration]
  if (facts.kind === KINDS.deletion || facts.kind === KINDS.vanish) return
  const rule = retention.find(({ kindFrom, kindTo }) => facts.kind >= kindFrom && facts.kind <= kindTo)
  if (rule !== undefined) yield [facts.appendedAtS + rule.keptS, DUE.retention]
}
