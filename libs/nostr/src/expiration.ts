import type { NostrEvent } from './event.ts'

const DIGITS = /^[0-9]{1,16}$/

/** The first readable `expiration` tag in seconds since the Unix epoch, null when there is none (NIP-40). */
export function expirationOf(event: Pick<NostrEvent, 'tags'>): number | null {
  for (const tag of event.tags) {
    if (tag[0] !== 'expiration' || tag[1] === undefined || !DIGITS.test(tag[1])) continue
    const seconds = Number(tag[1])
    if (Number.isSafeInteger(seconds)) return seconds
  }
  return null
}

/** Whether the event's time to be deleted has come: its expiration is `nowS` or earlier (NIP-40). */
export function isExpired(event: Pick<NostrEvent, 'tags'>, nowS: number): boolean {
  const expirationS = expirationOf(event)
  return expirationS !== null && expirationS <= nowS
}
