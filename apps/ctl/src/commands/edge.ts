import type { Command } from 'commander'
import { dataDirOf } from '../config.ts'
import type { Session } from '../session.ts'
import { withAdmin, withLog } from '../stack/connections.ts'
import { controlSocket, readParts, type StackPart } from '../stack/control-socket.ts'
import { wholeNumber } from '../terminal/arguments.ts'
import { writeJson, writeLine } from '../terminal/console.ts'
import { renderTable } from '../terminal/table.ts'

interface JsonOption {
  readonly json?: boolean
}

/** Edges are relay processes on the same log; the supervisor of `npm start` runs them. */
export function addEdgeCommands(program: Command, session: Session): void {
  const edge = program.command('edge').description('relay processes of the local stack')
  edge
    .command('add')
    .description('start another relay on the same log; it is started again with the stack')
    .option('--port <port>', 'its port (default: the next free one)', wholeNumber(1, 65_535))
    .option('--json', 'print JSON')
    .action((options: JsonOption & { port?: number }) => addEdge(session, options))
  edge
    .command('list')
    .description('list the relays and their addresses')
    .option('--json', 'print JSON')
    .action((options: JsonOption) => listEdges(session, options))
  edge
    .command('remove')
    .description('stop an added relay for good')
    .argument('<id>', 'its id, such as edge-2')
    .action((id: string) => removeEdge(session, id))
}

const socketOf = (session: Session) => controlSocket(dataDirOf(session.env))

async function addEdge(session: Session, { port, json }: JsonOption & { port?: number }): Promise<void> {
  const answer = await socketOf(session).call('POST', '/edges', port === undefined ? {} : { port })
  if (json === true) return writeJson(session.console, answer)
  const { id, address } = answer as { id: string; address: string }
  writeLine(session.console, `${id} is ready at ${address}`)
}

async function listEdges(session: Session, { json }: JsonOption): Promise<void> {
  const edges = (await readParts(socketOf(session))).filter(({ name }) => name.startsWith('edge-'))
  if (json === true) return writeJson(session.console, edges)
  const columns = [
    { title: 'edge', of: (edge: StackPart) => edge.name },
    { title: 'state', of: (edge: StackPart) => edge.state },
    { title: 'address', of: (edge: StackPart) => edge.address ?? '' },
    { title: 'pid', of: (edge: StackPart) => edge.pid ?? '', right: true },
  ]
  session.console.out.write(renderTable(columns, edges))
}

const groupsOfEdge = (id: string): readonly string[] => [`fanout.${id}`, `view.${id}`]

async function removeEdge(session: Session, id: string): Promise<void> {
  await socketOf(session).call('DELETE', `/edges/${encodeURIComponent(id)}`)
  // Erasures would wait for it for as long as Kafka remembers its groups.
  await withLog(await session.config(), (log) =>
    withAdmin(log, async (admin) => {
      for (const { groupId } of await admin.describeGroups())
        if (groupsOfEdge(id).some((group) => groupId === group || groupId.startsWith(`${group}.`)))
          await admin.deleteGroup(groupId)
    }),
  )
  writeLine(session.console, `${id} is stopped and forgotten`)
}
