import { SingleBar } from 'cli-progress'
import { formatCount, formatSeconds } from './units.ts'

export interface ProgressOptions {
  /** What is counted in the rate: `events`. */
  readonly noun: string
  /** Amount of work in units of its own (bytes, events); null when it is not known beforehand. */
  readonly total: number | null
  /** Where the bar is drawn; lines at intervals instead when it is no terminal. */
  readonly stream: NodeJS.WriteStream
  /** Work done before this run (a resumed import): it counts as done, not into the rate. */
  readonly startAt?: number
}

/** A bar with rate and estimated time, for work that takes more than a moment. */
export interface Progress {
  /** `done` in the units of `total`, `count` in nouns since the start of this run. */
  update(done: number, count: number): void
  stop(): void
}

/** Redraws per second, in a terminal. */
const REDRAWS_PER_SECOND = 8
/** Between two lines where there is no terminal, milliseconds. */
const LINE_INTERVAL_MS = 5_000

export function startProgress({ noun, total, stream, startAt = 0 }: ProgressOptions): Progress {
  const startedMs = performance.now()
  const format =
    total === null
      ? `{count} ${noun}  {rate}/s  {elapsed}`
      : `{bar} {percentage}%  {count} ${noun}  {rate}/s  ETA {left}`
  const bar = new SingleBar({
    format,
    stream,
    fps: REDRAWS_PER_SECOND,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: LINE_INTERVAL_MS,
    emptyOnZero: true,
    gracefulExit: false,
    linewrap: null,
  })
  bar.start(total ?? 0, startAt, { count: '0', rate: '0', left: '–', elapsed: '0.0s' })
  const update = (done: number, count: number) => {
    const seconds = (performance.now() - startedMs) / 1000
    const perSecond = seconds > 0 ? (done - startAt) / seconds : 0
    bar.update(Math.min(done, total ?? done), {
      count: formatCount(count),
      rate: formatCount(seconds > 0 ? count / seconds : 0),
      left: total === null || perSecond === 0 ? '–' : formatSeconds((total - done) / perSecond),
      elapsed: formatSeconds(seconds),
    })
  }
  return { update, stop: () => bar.stop() }
}
