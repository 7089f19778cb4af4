import { InvalidArgumentError } from 'commander'

/** A whole number within bounds. */
export const wholeNumber =
  (min = 0, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(
      max === Number.MAX_SAFE_INTEGER
        ? `must be a whole number from ${min}`
        : `must be a whole number from ${min} to ${max}`,
    )
  }

export function share(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('must be a number from 0 to 1')
}

/** Seconds since the Unix epoch, given as such or as an ISO 8601 date or time (UTC unless it says otherwise). */
export function unixSeconds(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(ms) && ms >= 0) return Math.floor(ms / 1000)
  throw new InvalidArgumentError('must be Unix seconds or an ISO 8601 date')
}

/** `a,b` and repeated options both add to the list. */
export const listOf =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): readonly T[] => [
    ...(before ?? []),
    ...text
      .split(',')
      .filter((item) => item !== '')
      .map(read),
  ]
