import { Command } from 'commander'
import type { Session } from './session.ts'
import { EXIT, verdictOf } from './terminal/exit.ts'

/** Runs one command line and answers the exit code: 0 done, 1 failed, 2 usage, 78 an operator has to act. */
export async function runCtl(args: readonly string[], session: Session): Promise<number> {
  const program = new Command('ctl')
    .description('Operates Millrace: topics, tables, import and export, status, edges.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void session.console.out.write(text),
      writeErr: (text) => void session.console.err.write(text),
    })
    .showHelpAfterError('(see --help)')
  try {
    for (const add of await commandsFor(args[0])) add(program, session)
    await program.parseAsync([...args], { from: 'user' })
    return EXIT.done
  } catch (cause) {
    const { exitCode, line } = verdictOf(cause)
    if (line !== '') session.console.err.write(`ctl: ${line}\n`)
    return exitCode
  }
}

type AddCommands = (program: Command, session: Session) => void

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommands>>> = {
  status: async () => (await import('./commands/status.ts')).addStatusCommand,
  topics: async () => (await import('./commands/topics.ts')).addTopicsCommands,
  tables: async () => (await import('./commands/tables.ts')).addTablesCommands,
  import: async () => (await import('./commands/import.ts')).addImportCommand,
  export: async () => (await import('./commands/export.ts')).addExportCommand,
  generate: async () => (await import('./commands/generate.ts')).addGenerateCommand,
  redrive: async () => (await import('./commands/redrive.ts')).addRedriveCommand,
  erasure: async () => (await import('./commands/erasure.ts')).addErasureCommands,
  part: async () => (await import('./commands/part.ts')).addPartCommands,
  edge: async () => (await import('./commands/edge.ts')).addEdgeCommands,
}

/** Only what the command needs is loaded: `npm start` runs some of them, and a terminal should not wait. */
function commandsFor(name: string | undefined): Promise<AddCommands[]> {
  const one = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name]
  return Promise.all((one === undefined ? Object.values(COMMANDS) : [one]).map((load) => load()))
}
