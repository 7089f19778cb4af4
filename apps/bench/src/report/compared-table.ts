import type { Row } from '../modes/mode.ts'
import type { Result } from '../run/results.ts'
import type { Interval } from '../stats/bootstrap.ts'
import { columns, cores, counts, ms, rate } from './columns.ts'

const HEAD = [
  '',
  '',
  'A',
  'B',
  'B/A (95 %)',
  'p50 A',
  'p50 B',
  'B/A',
  'p99 A',
  'p99 B',
  'B/A',
  'CPU tool',
  '',
]

/** Two relays: medians of their runs, and the median of B/A over the pairs of runs. CPU of the load tool in cores. */
export const comparedTable = (results: readonly Result[]): string[] => columns([HEAD, ...results.map(line)])

function line({ what, unit, sides, ratios }: Result): string[] {
  const [a, b] = sides.map((side) => side.median)
  return [
    what,
    unit,
    rate(a?.rate ?? 0),
    rate(b?.rate ?? 0),
    interval(ratios?.rate ?? null),
    ms(a?.timesMs?.p50),
    ms(b?.timesMs?.p50),
    ratio(ratios?.p50 ?? null),
    ms(a?.timesMs?.p99),
    ms(b?.timesMs?.p99),
    ratio(ratios?.p99 ?? null),
    [a, b].map((row) => cores(row?.cpu?.toolCores)).join(' '),
    bothCounts(a, b),
  ]
}

function bothCounts(a: Row | undefined, b: Row | undefined): string {
  const [ofA, ofB] = [counts(a?.counts ?? {}), counts(b?.counts ?? {})]
  return ofA === ofB ? ofA : `A ${ofA}; B ${ofB}`
}

const ratio = (value: Interval | null): string => (value === null ? '' : value.median.toFixed(2))

function interval(value: Interval | null): string {
  if (value === null || Number.isNaN(value.low)) return ratio(value)
  return `${value.median.toFixed(2)} (${value.low.toFixed(2)}–${value.high.toFixed(2)})`
}
