import { EXIT_FATAL, type Fault, FaultError } from '@millrace/kernel'
import { CommanderError } from 'commander'

/** What the exit code says: scripts and the supervisor decide by it. */
export const EXIT = { done: 0, failed: 1, usage: 2, fatal: EXIT_FATAL } as const

/** A command that ran and has to say that something is wrong: one line on stderr, exit code 1. */
export class CommandFailure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message)
    this.name = 'CommandFailure'
    this.exitCode = exitCode
  }
}

/** Arguments that parse but make no sense together: exit code 2. */
export const usageFailure = (message: string): CommandFailure => new CommandFailure(message, EXIT.usage)

/** The exit code and the line for whoever ran the command; an empty line when commander has said it already. */
export function verdictOf(cause: unknown): { readonly exitCode: number; readonly line: string } {
  if (cause instanceof CommanderError)
    return { exitCode: cause.exitCode === 0 ? EXIT.done : EXIT.usage, line: '' }
  if (cause instanceof CommandFailure) return { exitCode: cause.exitCode, line: cause.message }
  if (cause instanceof FaultError) return { exitCode: exitCodeOf(cause.fault), line: faultLine(cause.fault) }
  if (isBrokenPipe(cause)) return { exitCode: EXIT.done, line: '' }
  return { exitCode: EXIT.failed, line: cause instanceof Error ? cause.message : String(cause) }
}

/** The reader of our stdout has seen enough (`ctl export | head`): not an error of ours. */
const isBrokenPipe = (cause: unknown): boolean =>
  cause instanceof Error && (cause as NodeJS.ErrnoException).code === 'EPIPE'

const exitCodeOf = (fault: Fault): number => (fault.kind === 'fatal' ? EXIT.fatal : EXIT.failed)

const faultLine = (fault: Fault): string => `${fault.message} (${fault.code})`
