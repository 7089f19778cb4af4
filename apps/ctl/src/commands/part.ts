import type { Command } from 'commander'
import { dataDirOf } from '../config.ts'
import type { Session } from '../session.ts'
import { controlSocket } from '../stack/control-socket.ts'
import { writeLine } from '../terminal/console.ts'

const ACTIONS = {
  start: 'start a part that was stopped',
  stop: 'stop a part and leave it stopped',
  restart: 'stop a part and start it again',
} as const

/** Single processes of the local stack, by the names that `ctl status` shows. */
export function addPartCommands(program: Command, session: Session): void {
  const part = program.command('part').description('single processes of the local stack')
  for (const [action, description] of Object.entries(ACTIONS))
    part
      .command(action)
      .description(description)
      .argument('<name>', 'its name, such as storage')
      .action((name: string) => act(session, name, action))
}

async function act(session: Session, name: string, action: string): Promise<void> {
  const socket = controlSocket(dataDirOf(session.env))
  const { state } = (await socket.call('POST', `/parts/${encodeURIComponent(name)}/${action}`)) as {
    state: string
  }
  writeLine(session.console, `${name} is ${state}`)
}
