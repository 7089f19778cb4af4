import { type Filter, parseFilter } from '@millrace/nostr'
import type { Command } from 'commander'
import { listOf, unixSeconds, wholeNumber } from '../terminal/arguments.ts'
import { usageFailure } from '../terminal/exit.ts'

/** The fields of a NIP-01 filter as options. */
export interface FilterOptions {
  readonly ids?: readonly string[]
  readonly authors?: readonly string[]
  readonly kinds?: readonly number[]
  readonly since?: number
  readonly until?: number
  readonly limit?: number
  readonly tag?: readonly string[]
  readonly filter?: string
}

const asText = (text: string): string => text

export const withFilterOptions = (command: Command): Command =>
  command
    .option('--ids <hex,…>', 'event ids', listOf(asText))
    .option('--authors <hex,…>', 'public keys of authors', listOf(asText))
    .option('--kinds <n,…>', 'kinds', listOf(wholeNumber(0, 65_535)))
    .option('--since <time>', 'first created_at: Unix seconds or ISO date', unixSeconds)
    .option('--until <time>', 'last created_at', unixSeconds)
    .option('--limit <events>', 'the newest that many', wholeNumber())
    .option(
      '--tag <letter=value>',
      'a tag the events have; repeat for more',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--filter <json>', 'a NIP-01 filter; single options replace its fields')

/** One filter of all options; a wrong one is a usage failure that names the field. `limit` may be any size here. */
export function filterOf(options: FilterOptions): Filter {
  const given: Record<string, unknown> = { ...readJson(options.filter), ...fieldsOf(options) }
  const { limit, ...others } = given
  const parsed = parseFilter(others)
  if (!parsed.ok) throw usageFailure(parsed.fault.message)
  if (limit === undefined) return parsed.value
  if (!Number.isSafeInteger(limit) || (limit as number) < 0) throw usageFailure('limit is not a whole number')
  return { ...parsed.value, limit: limit as number }
}

function readJson(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {
    // Told below, together with JSON that is no object.
  }
  throw usageFailure('--filter is not a JSON object')
}

function fieldsOf({
  ids,
  authors,
  kinds,
  since,
  until,
  limit,
  tag = [],
}: FilterOptions): Record<string, unknown> {
  const tags: Record<string, string[]> = {}
  for (const pair of tag) {
    const [, letter, value] = /^#?([a-zA-Z])=(.*)$/s.exec(pair) ?? []
    if (letter === undefined || value === undefined) throw usageFailure(`--tag ${pair} is not letter=value`)
    const values = tags[`#${letter}`] ?? []
    values.push(value)
    tags[`#${letter}`] = values
  }
  const fields = { ids, authors, kinds, since, until, limit, ...tags }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
