import type { ServingView } from '@millrace/event-store'
import type { KafkaLogger } from '@millrace/kafka'

const REPORT_MS = 2_000

/** How a view that is behind the log comes along, told to the log with rate and time left. */
export class ViewProgress {
  readonly #view: ServingView
  readonly #log: KafkaLogger
  #ends: ReadonlyMap<number, number> | null = null
  #timer: NodeJS.Timeout | null = null
  #startMs = 0
  #leftAtStart = 0

  constructor(view: ServingView, log: KafkaLogger) {
    this.#view = view
    this.#log = log
  }

  /** Whether the view has what the log had at the start. */
  get isThere(): boolean {
    return this.#ends !== null && this.#left() === 0
  }

  begin(ends: ReadonlyMap<number, number>): void {
    this.#ends = ends
    this.#startMs = performance.now()
    this.#leftAtStart = this.#left()
    if (this.#leftAtStart === 0) return
    this.#log.info(
      { records_left: this.#leftAtStart },
      'filling the serving view, ClickHouse answers meanwhile',
    )
    this.#timer = setInterval(() => this.#report(), REPORT_MS).unref()
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    const { regular, versioned } = this.#view.state
    const ms = Math.round(performance.now() - this.#startMs)
    this.#log.info({ events: regular.events + versioned.events, ms }, 'the serving view answers')
  }

  #report(): void {
    const left = this.#left()
    const perSecond = ((this.#leftAtStart - left) / (performance.now() - this.#startMs)) * 1000
    this.#log.info(
      {
        records_left: left,
        percent: Math.floor((1 - left / this.#leftAtStart) * 100),
        records_per_second: Math.round(perSecond),
        seconds_left: perSecond === 0 ? null : Math.round(left / perSecond),
      },
      'filling the serving view',
    )
  }

  #left(): number {
    let left = 0
    for (const [partition, end] of this.#ends ?? [])
      left += Math.max(0, end - (this.#view.positions.get(partition) ?? 0))
    return left
  }
}
