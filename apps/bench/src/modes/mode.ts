import type { Corpus } from '../corpus/corpus.ts'
import type { Range } from '../load/publish-range.ts'
import type { CpuShares } from '../meter/cpu-meter.ts'
import type { Oracle } from '../oracle/oracle.ts'
import type { Percentiles } from '../stats/latency.ts'
import type { Target } from '../target/target.ts'

/** One line of a report: what was done, how much of it in which unit, and how long each took. */
export interface Row {
  readonly what: string
  readonly rate: number
  /** Such as `events/s`; more is better, except for `KiB/connection`. */
  readonly unit: string
  readonly timesMs: Percentiles | null
  /** Further numbers, by name: events per REQ, losses, refusals. */
  readonly counts: Readonly<Record<string, number>>
  readonly cpu: CpuShares | null
}

/** How long and how much. */
export interface Sizes {
  /** Of everything that is measured by time. */
  readonly seconds: number
  /** Factor on everything that is measured by count; 1 is the full size. */
  readonly scale: number
}

export interface ModeContext {
  readonly target: Target
  readonly corpus: Corpus
  readonly oracle: Oracle
  /** The events of the pool that are this run's to publish, and in the relay when it ends. */
  readonly range: Range
  readonly sizes: Sizes
  /** Another one for every run, the same for both relays of a comparison. */
  readonly seed: number
}

export interface Mode {
  /** As `--modes` names it. */
  readonly name: string
  /** Events that it takes from the pool. */
  readonly poolEvents: (sizes: Sizes) => number
  /** Fewer runs than asked for, where the first one changes what the others would find. */
  readonly runsMax?: number
  /** Whether it can be measured on that target; everywhere when absent. */
  readonly isFor?: (target: Target) => boolean
  /** Throws when the relay refuses, breaks off, or answers what the corpus does not say. */
  readonly measure: (context: ModeContext) => Promise<readonly Row[]>
}

export const scaled = (count: number, { scale }: Sizes): number => Math.max(20, Math.round(count * scale))

export const pidsOf = async (target: Target): Promise<readonly number[]> =>
  (await target.processes()).map(({ pid }) => pid)
