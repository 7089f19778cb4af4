/** The machine-readable prefixes of OK and CLOSED: NIP-01's list and NIP-42's auth-required. */
export const MESSAGE_PREFIXES = [
  'duplicate',
  'pow',
  'blocked',
  'rate-limited',
  'invalid',
  'restricted',
  'mute',
  'error',
  'auth-required',
] as const

export type MessagePrefix = (typeof MESSAGE_PREFIXES)[number]

/** `prefix: text for people`, as OK false and CLOSED must carry it. */
export type PrefixedMessage = `${MessagePrefix}: ${string}`

/** The answer to an EVENT or AUTH; a refusal always says why. */
export function okMessage(eventId: string, accepted: true, message: PrefixedMessage | ''): string
export function okMessage(eventId: string, accepted: false, message: PrefixedMessage): string
export function okMessage(eventId: string, accepted: boolean, message: string): string {
  return `["OK","${eventId}",${accepted},${JSON.stringify(message)}]`
}

export const eoseMessage = (subscriptionId: string): string => `["EOSE",${JSON.stringify(subscriptionId)}]`

export const closedMessage = (subscriptionId: string, message: PrefixedMessage): string =>
  `["CLOSED",${JSON.stringify(subscriptionId)},${JSON.stringify(message)}]`

export const noticeMessage = (message: string): string => `["NOTICE",${JSON.stringify(message)}]`

export const authMessage = (challenge: string): string => `["AUTH",${JSON.stringify(challenge)}]`

/** NIP-45: the number of events that match the filters of a COUNT. */
export const countMessage = (subscriptionId: string, count: number): string =>
  `["COUNT",${JSON.stringify(subscriptionId)},{"count":${count}}]`

/** `eventJson` goes in as it is: one event is stringified once, however many subscriptions receive it. */
export const eventMessage = (subscriptionId: string, eventJson: string): string =>
  `["EVENT",${JSON.stringify(subscriptionId)},${eventJson}]`
