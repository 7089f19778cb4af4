import { idKey, idKeyAt } from '../corpus/id-key.ts'

/** The third byte of `["EVENT"`, `["EOSE"`, `["OK"`, … and, where two verbs share it, the fourth, tell a message's verb. */
export type Verb = 'EVENT' | 'EOSE' | 'OK' | 'CLOSED' | 'OTHER'

const [E, O, C, L, V, K, QUOTE, BRACKET, COMMA, T] = [...'EOCLVK"[,t'].map((c) => c.charCodeAt(0))

/** Bytes before the first argument of a message, when it is written without spaces. */
const ARGUMENT_AT = { EVENT: 10, EOSE: 9, OK: 7, CLOSED: 11, OTHER: 0 } as const
const ID_DIGITS = 64
const ID_NAME = Buffer.from('"id":"')

export function verbAt(bytes: Buffer, start: number): Verb {
  const [first, second] = [bytes[start + 2], bytes[start + 3]]
  if (first === E) return second === V ? 'EVENT' : second === O ? 'EOSE' : 'OTHER'
  if (first === O && second === K) return 'OK'
  return first === C && second === L ? 'CLOSED' : 'OTHER'
}

/** Whether the message names this subscription. */
export function isFor(bytes: Buffer, start: number, verb: Verb, subscription: Buffer): boolean {
  const at = start + ARGUMENT_AT[verb]
  for (let i = 0; i < subscription.length; i++) if (bytes[at + i] !== subscription[i]) return false
  return bytes[at + subscription.length] === QUOTE
}

/**
 * The key of the event in an EVENT message; NaN when it has no id. `"id":"` cannot be part of a string: quotes are escaped
 * there.
 */
export function eventKeyIn(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(ID_NAME, start + ARGUMENT_AT.EVENT)
  if (at !== -1 && at < end) return idKeyAt(bytes, at + ID_NAME.length)
  const [, , event] = JSON.parse(bytes.toString('utf8', start, end)) as [string, string, { id?: unknown }?]
  return typeof event?.id === 'string' ? idKey(event.id) : Number.NaN
}

export interface Ok {
  readonly key: number
  readonly isAccepted: boolean
  /** Whether the relay adds words: `duplicate: …`, a refusal. */
  readonly hasMessage: boolean
}

/** Reads an OK that is written without spaces. */
export function okIn(bytes: Buffer, start: number, end: number): Ok {
  const at = start + ARGUMENT_AT.OK
  const isAccepted = bytes[at + ID_DIGITS + 2] === T
  // `",true,"` or `",false,"` before the message, `"]` after it.
  const messageAt = at + ID_DIGITS + (isAccepted ? 8 : 9)
  return { key: idKeyAt(bytes, at), isAccepted, hasMessage: messageAt < end - 2 }
}

/** Whether the message is written without spaces up to its first argument, where the other functions read it. */
export const isCompact = (bytes: Buffer, start: number, verb: Verb): boolean =>
  bytes[start] === BRACKET &&
  bytes[start + 1] === QUOTE &&
  (verb === 'OTHER' ||
    (bytes[start + ARGUMENT_AT[verb] - 1] === QUOTE && bytes[start + ARGUMENT_AT[verb] - 2] === COMMA))

/** The same message without spaces, for relays that put some between values. Throws when it is not JSON. */
export const compacted = (bytes: Buffer, start: number, end: number): Buffer =>
  Buffer.from(JSON.stringify(JSON.parse(bytes.toString('utf8', start, end))))
