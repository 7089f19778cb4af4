import { expirationOf } from '@millrace/nostr'
import { afterString, BACKSLASH, COMMA, OPEN, QUOTE, tagsAt } from './record-layout.ts'

/** Is called with where a tag's name and value lie in a record, as JSON without its quotes. */
type VisitTag = (nameAt: number, nameEnd: number, valueAt: number, valueEnd: number) => void

/** Goes through a record's tags. Those without a value have one that ends before it begins; those without a name are left out. */
function eachTag(record: Buffer, visit: VisitTag): void {
  let at = tagsAt(record)
  while (record[at] === OPEN) {
    at++
    if (record[at] === QUOTE) {
      const nameAt = at + 1
      at = afterString(record, at)
      const nameEnd = at - 1
      let valueAt = 0
      let valueEnd = -1
      for (let index = 1; record[at] === COMMA; index++) {
        const from = at + 2
        at = afterString(record, at + 1)
        if (index > 1) continue
        valueAt = from
        valueEnd = at - 1
      }
      visit(nameAt, nameEnd, valueAt, valueEnd)
    }
    at++
    if (record[at] === COMMA) at++
  }
}

/** Calls with the letter and the key of the value of each tag that a filter can ask for; a tag given twice comes twice. */
export function eachIndexedTag(record: Buffer, visit: (letter: number, valueKey: string) => void): void {
  eachTag(record, (nameAt, nameEnd, valueAt, valueEnd) => {
    const letter = record[nameAt] as number
    if (nameEnd - nameAt === 1 && valueEnd >= valueAt && isLetter(letter))
      visit(letter, record.toString('latin1', valueAt, valueEnd))
  })
}

/** The value of the first `d`, '' where it has none; undefined: there is no `d` (NIP-01). */
export function firstD(record: Buffer): string | undefined {
  let d: string | undefined
  eachTag(record, (nameAt, nameEnd, valueAt, valueEnd) => {
    if (d === undefined && nameEnd - nameAt === 1 && record[nameAt] === LETTER_D)
      d = valueEnd < valueAt ? '' : unescaped(record, valueAt, valueEnd)
  })
  return d
}

/** What the tags say about the expiration (see `expirationOf`), for a record that does not say it yet. */
export function statedExpirationS(record: Buffer): number | null {
  let expirationS: number | null = null
  eachTag(record, (nameAt, nameEnd, valueAt, valueEnd) => {
    if (expirationS !== null || nameEnd - nameAt !== EXPIRATION.length || valueEnd < valueAt) return
    if (record.toString('latin1', nameAt, nameEnd) !== EXPIRATION) return
    expirationS = expirationOf({ tags: [[EXPIRATION, record.toString('latin1', valueAt, valueEnd)]] })
  })
  return expirationS
}

const EXPIRATION = 'expiration'
const LETTER_D = 'd'.charCodeAt(0)

/** A to Z and a to z, as `isIndexedName` has them. */
const isLetter = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)

function unescaped(json: Buffer, from: number, end: number): string {
  const text = json.toString('utf8', from, end)
  return json.subarray(from, end).includes(BACKSLASH) ? (JSON.parse(`"${text}"`) as string) : text
}

/** The value that `eachIndexedTag` gives as it lies in the record: its UTF-8 as JSON has it, read as Latin-1. */
export const valueOfTagKey = (key: string): string => {
  const bytes = Buffer.from(key, 'latin1')
  return unescaped(bytes, 0, bytes.length)
}
