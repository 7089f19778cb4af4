export { assert, assertNever } from './assert.ts'
export { type Clock, ManualClock, systemClock } from './clock.ts'
export {
  EXIT_FATAL,
  FAULT_CODES,
  type Fault,
  type FaultCode,
  type FaultKind,
  fatal,
  invalid,
  transient,
} from './fault.ts'
export { LIMITS } from './limits.ts'
export { err, FaultError, ok, type Result, unwrap } from './result.ts'
export { startThread, type ThreadHeap } from './start-thread.ts'
export { type BackoffOptions, backoffMs, delayMs } from './wait.ts'
