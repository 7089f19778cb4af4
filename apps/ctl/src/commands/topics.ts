import { applyTopics, readLogId, type TopicDescription } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { catalogue, TOPICS } from '@millrace/topics'
import type { Command } from 'commander'
import type { Session } from '../session.ts'
import { withAdmin, withLog } from '../stack/connections.ts'
import { writeJson, writeLine } from '../terminal/console.ts'
import { renderTable } from '../terminal/table.ts'

interface JsonOption {
  readonly json?: boolean
}

export function addTopicsCommands(program: Command, session: Session): void {
  const topics = program.command('topics').description('Kafka topics')
  topics
    .command('apply')
    .description('make the cluster have every topic with its configs, and write the log id once')
    .option('--json', 'print JSON')
    .action((options: JsonOption) => apply(session, options))
  topics
    .command('describe')
    .description('show the topics as they are')
    .option('--json', 'print JSON')
    .action((options: JsonOption) => describe(session, options))
}

async function apply(session: Session, { json }: JsonOption): Promise<void> {
  const config = await session.config()
  const applied = await withLog(config, (log) =>
    withAdmin(log, async (admin) =>
      unwrap(await applyTopics(admin, log, catalogue(config.topics), config.topics)),
    ),
  )
  if (json === true) return writeJson(session.console, applied)
  for (const { name, action, changes } of applied.topics)
    writeLine(session.console, `${action} ${name}${changes.length === 0 ? '' : `: ${changes.join(', ')}`}`)
  writeLine(session.console, `log id ${applied.logId}`)
}

async function describe(session: Session, { json }: JsonOption): Promise<void> {
  const config = await session.config()
  const { described, logId } = await withLog(config, (log) =>
    withAdmin(log, async (admin) => {
      const found = await Promise.all(Object.values(TOPICS).map((name) => admin.describeTopic(name)))
      const id = await readLogId(log)
      return { described: found.filter((topic) => topic !== null), logId: id.ok ? id.value : null }
    }),
  )
  if (json === true) return writeJson(session.console, { logId, topics: described })
  for (const topic of described) session.console.out.write(renderTopic(topic))
  writeLine(session.console, `log id ${logId ?? '(none: run ctl topics apply)'}`)
}

function renderTopic({ name, partitionCount, replicationFactor, configs }: TopicDescription): string {
  const rows = Object.entries(configs).sort(([a], [b]) => (a < b ? -1 : 1))
  const table = renderTable(
    [
      { title: '  config', of: ([key]) => `  ${key}` },
      { title: 'value', of: ([, value]) => value },
    ],
    rows,
  )
  return `${name}: ${partitionCount} partitions, ${replicationFactor} replicas\n${table}\n`
}
