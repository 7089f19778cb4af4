export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => string | number
  /** Numbers read better aligned to the right. */
  readonly right?: boolean
}

/** Rows under their titles, columns padded to their widest cell, two spaces apart. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => String(column.of(row)))),
  ]
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)))
  const lines = cells.map((line) =>
    line
      .map((cell, at) => pad(cell, widths[at] ?? 0, columns[at]?.right === true))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

const pad = (text: string, width: number, right: boolean): string =>
  right ? text.padStart(width) : text.padEnd(width)
