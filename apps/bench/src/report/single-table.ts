import type { Result } from '../run/results.ts'
import { columns, cores, counts, ms, rate } from './columns.ts'

const HEAD = ['', 'rate', '', 'p50 ms', 'p95 ms', 'p99 ms', 'CPU tool', 'CPU relay', '']

/** One relay: medians of its runs. CPU in cores while the clock ran. */
export const singleTable = (results: readonly Result[]): string[] =>
  columns([
    HEAD,
    ...results.map(({ what, unit, sides }) => {
      const row = sides[0]?.median
      return [
        what,
        rate(row?.rate ?? 0),
        unit,
        ms(row?.timesMs?.p50),
        ms(row?.timesMs?.p95),
        ms(row?.timesMs?.p99),
        cores(row?.cpu?.toolCores),
        cores(row?.cpu?.relayCores),
        counts(row?.counts ?? {}),
      ]
    }),
  ])
