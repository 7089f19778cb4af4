/** Lines of a table: the first column and the last, which holds words, to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const last = Math.max(...rows.map((row) => row.length)) - 1
  const widths = Array.from({ length: last }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const cell = (row: readonly string[], at: number) =>
    at === 0 ? (row[at] ?? '').padEnd(widths[at] ?? 0) : (row[at] ?? '').padStart(widths[at] ?? 0)
  return rows.map((row) => [...widths.map((_, at) => cell(row, at)), row[last] ?? ''].join('  ').trimEnd())
}

export const rate = (value: number): string =>
  Math.abs(value) < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')

export const ms = (value: number | undefined): string =>
  value === undefined ? '' : value < 10 ? value.toFixed(2) : value.toFixed(1)

export const cores = (value: number | null | undefined): string =>
  value === null || value === undefined ? '' : value.toFixed(2)

/** Of the further numbers of a row those that a reader looks for; the others are in the JSON. */
const COUNTS: Readonly<Record<string, string>> = {
  eventsPerRequest: 'events/REQ',
  lost: 'lost',
  doubles: 'doubles',
  refused: 'refused',
  writesPerSecond: 'writes/s',
  anonymousKib: 'KiB anonymous',
}

export const counts = (values: Readonly<Record<string, number>>): string =>
  Object.entries(COUNTS)
    .flatMap(([name, label]) => {
      const value = values[name]
      return value === undefined ? [] : [`${rate(value).replace(/\.0$/, '')} ${label}`]
    })
    .join(', ')
