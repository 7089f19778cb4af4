import type { Fault } from './fault.ts'

/** A computation that either produced a value or failed with a described reason. */
export type Result<T, E = Fault> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: E }

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value })

export const err = <E>(fault: E): { readonly ok: false; readonly fault: E } => ({ ok: false, fault })

/** The value, or an exception carrying the fault: for start-up code and tests, where a fault ends the process. */
export function unwrap<T>(result: Result<T, Fault>): T {
  if (result.ok) return result.value
  throw new FaultError(result.fault)
}

/** Carries a Fault through code that throws. */
export class FaultError extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(`${fault.code}: ${fault.message}`, fault.cause === undefined ? undefined : { cause: fault.cause })
    this.name = 'FaultError'
    this.fault = fault
  }
}
