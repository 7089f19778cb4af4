/** Hex digits of an id that make its key: 52 bits, exact as a JavaScript number. */
const KEY_DIGITS = 13

const NOT_HEX = 255
const DIGIT = new Uint8Array(256).fill(NOT_HEX)
for (const [value, digit] of [...'0123456789abcdef'].entries()) DIGIT[digit.charCodeAt(0)] = value

/**
 * The number that stands for an event id while the clock runs: its first 13 hex digits. Cheap to read from a frame and to
 * keep; a corpus in which two ids share one is refused when it is loaded. NaN when there is no id at that place.
 */
export function idKeyAt(bytes: Uint8Array, at: number): number {
  let key = 0
  for (let end = at + KEY_DIGITS, i = at; i < end; i++) {
    const digit = DIGIT[bytes[i] ?? 0] as number
    if (digit === NOT_HEX) return Number.NaN
    key = key * 16 + digit
  }
  return key
}

export const idKey = (id: string): number => idKeyAt(Buffer.from(id, 'latin1'), 0)
