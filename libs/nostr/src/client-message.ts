import { err, type Fault, invalid, LIMITS, ok, type Result } from '@millrace/kernel'

/**
 * What a client may send (NIP-01, NIP-42, NIP-45). Events and filters are still unchecked: `parseEvent` and
 * `parseFilters` read them, so that the answer can name the event id or the subscription.
 */
export type ClientMessage =
  | { readonly verb: 'EVENT'; readonly event: unknown }
  | { readonly verb: 'AUTH'; readonly event: unknown }
  | { readonly verb: 'REQ'; readonly subscriptionId: string; readonly filters: readonly unknown[] }
  | { readonly verb: 'COUNT'; readonly subscriptionId: string; readonly filters: readonly unknown[] }
  | { readonly verb: 'CLOSE'; readonly subscriptionId: string }

/** Why a frame is no message; with a `subscriptionId` it is answered with CLOSED, otherwise with NOTICE. */
export interface MessageFault extends Fault {
  readonly verb: string | null
  readonly subscriptionId: string | null
}

type Parsed = Result<ClientMessage, MessageFault>

/** Longest piece of an unknown verb that is quoted back, characters. */
const VERB_QUOTED_CHARACTERS_MAX = 32

/**
 * Reads one text frame. Elements past those a verb needs are ignored. Faults: message-malformed (no JSON array, unknown
 * verb, missing parts), subscription-malformed (subscription id not 1–64 characters), filter-malformed (no filter).
 */
export function parseClientMessage(text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refuse(invalid('message-malformed', 'message is not JSON'))
  }
  if (!Array.isArray(value)) return refuse(invalid('message-malformed', 'message is not a JSON array'))
  const verb: unknown = value[0]
  switch (verb) {
    case 'EVENT':
    case 'AUTH':
      if (value.length < 2) return refuse(invalid('message-malformed', `${verb} without an event`), verb)
      return ok({ verb, event: value[1] as unknown })
    case 'REQ':
    case 'COUNT':
      return parseQuery(verb, value)
    case 'CLOSE': {
      const subscriptionId: unknown = value[1]
      if (!isSubscriptionId(subscriptionId)) return refuse(BAD_SUBSCRIPTION_ID, verb)
      return ok({ verb, subscriptionId })
    }
  }
  if (typeof verb !== 'string')
    return refuse(invalid('message-malformed', 'message does not begin with a verb'))
  const quoted = verb.slice(0, VERB_QUOTED_CHARACTERS_MAX).toWellFormed()
  return refuse(invalid('message-malformed', `unknown verb ${JSON.stringify(quoted)}`), quoted)
}

function parseQuery(verb: 'REQ' | 'COUNT', message: readonly unknown[]): Parsed {
  const [, subscriptionId, ...filters] = message
  if (!isSubscriptionId(subscriptionId)) return refuse(BAD_SUBSCRIPTION_ID, verb)
  if (filters.length === 0)
    return refuse(invalid('filter-malformed', `${verb} without a filter`), verb, subscriptionId)
  return ok({ verb, subscriptionId, filters })
}

const BAD_SUBSCRIPTION_ID = invalid(
  'subscription-malformed',
  `subscription id is not a string of 1 to ${LIMITS.subscriptionIdCharactersMax} characters`,
)

/** 1–64 characters (NIP-01), counted as Unicode code points. */
export function isSubscriptionId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0) return false
  if (value.length <= LIMITS.subscriptionIdCharactersMax) return true
  // A code point is at most two units, so longer strings need no counting.
  if (value.length > 2 * LIMITS.subscriptionIdCharactersMax) return false
  return [...value].length <= LIMITS.subscriptionIdCharactersMax
}

const refuse = (fault: Fault, verb: string | null = null, subscriptionId: string | null = null): Parsed =>
  err({ ...fault, verb, subscriptionId })
