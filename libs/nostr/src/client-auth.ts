import { err, invalid, ok, type Result } from '@millrace/kernel'
import type { NostrEvent } from './event.ts'
import { KINDS } from './kinds.ts'

/** How far an AUTH event's created_at may lie from now, seconds (NIP-42: about 10 minutes). */
export const AUTH_CREATED_AT_TOLERANCE_S = 600

export interface AuthExpectation {
  /** The challenge last sent on this connection. */
  readonly challenge: string
  /** Every URL under which clients reach this relay; compared after normalisation. */
  readonly relayUrls: readonly string[]
  /** Seconds since the Unix epoch. */
  readonly nowS: number
}

const refused = (message: string): Result<never> => err(invalid('auth-invalid', message))

/**
 * Checks a client's AUTH event (NIP-42) all but its signature and answers the pubkey it proves. Of repeated `relay` and
 * `challenge` tags the first counts. Fault auth-invalid.
 */
export function checkAuthEvent(event: NostrEvent, expected: AuthExpectation): Result<string> {
  if (event.kind !== KINDS.clientAuth) return refused(`kind is not ${KINDS.clientAuth}`)
  if (Math.abs(event.created_at - expected.nowS) > AUTH_CREATED_AT_TOLERANCE_S)
    return refused('created_at is more than 10 minutes off')
  if (firstValue(event, 'challenge') !== expected.challenge) return refused('challenge is not the one sent')
  const relay = normalizeRelayUrl(firstValue(event, 'relay') ?? '')
  if (!relay.ok || !expected.relayUrls.some((url) => isSameRelay(url, relay.value)))
    return refused('relay tag does not name this relay')
  return ok(event.pubkey)
}

function firstValue(event: NostrEvent, name: string): string | undefined {
  return event.tags.find((tag) => tag[0] === name)?.[1]
}

function isSameRelay(url: string, normalized: string): boolean {
  const own = normalizeRelayUrl(url)
  return own.ok && own.value === normalized
}

/**
 * One spelling per relay: ws or wss, lowercase host, no default port, no fragment, no trailing slash.
 * Fault message-malformed when it is no such URL, or carries credentials.
 */
export function normalizeRelayUrl(url: string): Result<string> {
  const parsed = URL.parse(url)
  if (parsed === null || (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:'))
    return err(invalid('message-malformed', 'relay URL is not a ws:// or wss:// URL'))
  if (parsed.username !== '' || parsed.password !== '')
    return err(invalid('message-malformed', 'relay URL carries credentials'))
  const path = parsed.pathname.replace(/\/+$/, '')
  return ok(`${parsed.protocol}//${parsed.host}${path}${parsed.search}`)
}
