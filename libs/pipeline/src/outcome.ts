import type { Fault } from '@millrace/kernel'

/** A record that a step sends elsewhere: the output's name is wired to a topic by the app, never by the step. */
export interface OutputRecord {
  readonly key: string
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * What a step says about one record: go on with this value; leave it out for a named reason; refuse it for good (it
 * becomes a dead letter); or hand it to the output `O`.
 */
export type Outcome<T, O extends string = never> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'drop'; readonly reason: string }
  | { readonly type: 'dead'; readonly fault: Fault; readonly step?: string }
  | { readonly type: 'redirect'; readonly output: O; readonly record: OutputRecord }

export const ok = <T>(value: T): Outcome<T> => ({ type: 'ok', value })

/** `reason` is a label value of ingestion_events_dropped_total: a constant, never data. */
export const drop = (reason: string): Outcome<never> => ({ type: 'drop', reason })

export const dead = (fault: Fault): Outcome<never> => ({ type: 'dead', fault })

export const redirect = <O extends string>(output: O, record: OutputRecord): Outcome<never, O> => ({
  type: 'redirect',
  output,
  record,
})
