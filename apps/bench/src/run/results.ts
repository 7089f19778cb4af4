import type { Row } from '../modes/mode.ts'
import { type Interval, medianInterval } from '../stats/bootstrap.ts'
import type { Percentiles } from '../stats/latency.ts'
import { median } from '../stats/median.ts'

/** One line of the table: all runs of one row on every side. */
export interface Result {
  readonly mode: string
  readonly what: string
  readonly unit: string
  /** Per side, in the order of the report's sides. */
  readonly sides: readonly SideResult[]
  /** Second side over first, run by run; null where there is one side. */
  readonly ratios: Ratios | null
}

export interface SideResult {
  /** Medians over the runs. */
  readonly median: Row
  readonly runs: readonly Row[]
}

export interface Ratios {
  readonly rate: Interval
  readonly p50: Interval | null
  readonly p99: Interval | null
}

/** Collects the rows of all runs. Run n of one side is compared with run n of the other: they were measured next to each other. */
export class Results {
  readonly #sides: number
  readonly #rows = new Map<string, { readonly mode: string; readonly perSide: Row[][] }>()

  constructor(sides: number) {
    this.#sides = sides
  }

  add(mode: string, side: number, rows: readonly Row[]): void {
    for (const row of rows) {
      const key = `${mode} ${row.what}`
      const known = this.#rows.get(key) ?? {
        mode,
        perSide: Array.from({ length: this.#sides }, (): Row[] => []),
      }
      this.#rows.set(key, known)
      known.perSide[side]?.push(row)
    }
  }

  list(): readonly Result[] {
    return [...this.#rows.values()].map(({ mode, perSide }) => {
      const sides = perSide.map((runs) => ({ runs, median: medianRow(runs) }))
      const first = perSide[0] ?? []
      const { what, unit } = first[0] as Row
      const second = perSide[1]
      return { mode, what, unit, sides, ratios: second === undefined ? null : ratiosOf(first, second) }
    })
  }
}

function ratiosOf(first: readonly Row[], second: readonly Row[]): Ratios {
  const of = (value: (row: Row) => number | undefined): Interval | null => {
    const ratios = second.flatMap((row, run) => {
      const [above, below] = [value(row), value(first[run] as Row)]
      return above === undefined || below === undefined || below === 0 ? [] : [above / below]
    })
    return ratios.length === 0 ? null : medianInterval(ratios)
  }
  return {
    rate: of((row) => row.rate) ?? { median: Number.NaN, low: Number.NaN, high: Number.NaN },
    p50: of((row) => row.timesMs?.p50),
    p99: of((row) => row.timesMs?.p99),
  }
}

/** Every number of the row by itself: its median over the runs. */
export function medianRow(runs: readonly Row[]): Row {
  const first = runs[0] as Row
  const over = (value: (row: Row) => number | null | undefined): number =>
    median(runs.map(value).filter((number) => number !== null && number !== undefined))
  const times = (name: keyof Percentiles) => over((row) => row.timesMs?.[name])
  return {
    ...first,
    rate: over((row) => row.rate),
    timesMs:
      first.timesMs === null
        ? null
        : {
            count: times('count'),
            p50: times('p50'),
            p95: times('p95'),
            p99: times('p99'),
            max: times('max'),
          },
    counts: Object.fromEntries(
      Object.keys(first.counts).map((name) => [name, over((row) => row.counts[name])]),
    ),
    cpu:
      first.cpu === null
        ? null
        : {
            toolCores: over((row) => row.cpu?.toolCores),
            relayCores: first.cpu.relayCores === null ? null : over((row) => row.cpu?.relayCores),
          },
  }
}
