/**
 * A record of the view, all integers big-endian:
 *
 *     0 created_at (f64) · 8 expiration (f64, 0 = none) · 16 offset in the log (f64) · 24 partition (u16) · 26 kind (u16) · 28 JSON
 *
 * A created_at reaches 2^53 - 1, which an f64 holds exactly. The JSON is as `eventJson` writes it, so that id, pubkey and tags
 * are found in it and are not kept twice.
 */
export const EXPIRATION_AT = 8
export const OFFSET_AT = 16
export const PARTITION_AT = 24
export const KIND_AT = 26
export const JSON_AT = 28
export const ID_AT = JSON_AT + '{"id":"'.length
export const PUBKEY_AT = ID_AT + 64 + '","pubkey":"'.length
export const CREATED_AT_DIGITS_AT = PUBKEY_AT + 64 + '","created_at":'.length
const KIND_NAME_BYTES = ',"kind":'.length
const TAGS_NAME_BYTES = ',"tags":['.length
export const [QUOTE, COMMA, OPEN, CLOSE, BACKSLASH] = [0x22, 0x2c, 0x5b, 0x5d, 0x5c] as const

/** Where a record's tags begin. */
export function tagsAt(record: Buffer): number {
  const at = afterDigits(record, CREATED_AT_DIGITS_AT) + KIND_NAME_BYTES
  return afterDigits(record, at) + TAGS_NAME_BYTES
}

function afterDigits(json: Buffer, start: number): number {
  let at = start
  while (json[at] !== COMMA) at++
  return at
}

/** Where a string ends, behind its closing quote. @param start of its opening quote */
export function afterString(json: Buffer, start: number): number {
  let at = start + 1
  for (; json[at] !== QUOTE; at++) if (json[at] === BACKSLASH) at++
  return at + 1
}
