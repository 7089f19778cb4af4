/** One pass of Kafka's cleaner over a partition, as the broker's log tells it. */
export interface CleanerPass {
  readonly partition: number
  /** Offsets that the pass put into its map: [from, to). */
  readonly dirtyFrom: number
  readonly dirtyTo: number
  /** Share of the deduplication map that was filled, percent. */
  readonly bufferPercent: number
  /** Read to fill the map. */
  readonly indexedMib: number
  /** Read to be rewritten, and what was written of it. */
  readonly startMib: number
  readonly endMib: number
  readonly startRecords: number
  readonly endRecords: number
  readonly seconds: number
}

const HEAD = /Log cleaner (?:thread )?\d+ cleaned log \S+-(\d+) \(dirty section = \[([\d,]+), ([\d,]+)\]\)/
const FIELDS = {
  seconds: /MB of log processed in ([\d,.]+) seconds/,
  indexedMib: /Indexed ([\d,.]+) MB/,
  bufferPercent: /Buffer utilization: ([\d,.]+)%/,
  startMib: /Start size: ([\d,.]+) MB/,
  startRecords: /Start size: [\d,.]+ MB \(([\d,]+) messages\)/,
  endMib: /End size: ([\d,.]+) MB/,
  endRecords: /End size: [\d,.]+ MB \(([\d,]+) messages\)/,
} as const
const END = 'reduction'

/** Puts the passes together from the lines of a broker whose cleaner logs at INFO: each pass is a dozen of them. */
export class CleanerLog {
  readonly passes: CleanerPass[] = []
  #lines: string[] = []

  line(line: string): void {
    if (HEAD.test(line)) this.#lines = []
    this.#lines.push(line)
    if (!line.includes(END)) return
    const pass = parsePass(this.#lines.join('\n'))
    if (pass !== null) this.passes.push(pass)
    this.#lines = []
  }
}

function parsePass(text: string): CleanerPass | null {
  const head = HEAD.exec(text)
  if (head === null) return null
  const fields = Object.fromEntries(
    Object.entries(FIELDS).map(([name, pattern]) => [name, numberOf(pattern.exec(text)?.[1])]),
  ) as Record<keyof typeof FIELDS, number>
  return {
    partition: numberOf(head[1]),
    dirtyFrom: numberOf(head[2]),
    dirtyTo: numberOf(head[3]),
    ...fields,
  }
}

const numberOf = (text: string | undefined): number => Number((text ?? 'NaN').replaceAll(',', ''))
