/** Makes a switch exhaustive by type; reaching it at run time is a programming error. */
export function assertNever(value: never): never {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`)
}

/** Checks an invariant on both sides of a boundary; a failure is a programming error. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}
