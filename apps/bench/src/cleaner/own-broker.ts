import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, startKafka } from '@millrace/infra-local'
import { CleanerLog, type CleanerPass } from './cleaner-log.ts'

/** As the launcher's, with the cleaner's own report of each pass. */
const LOG4J = `<Configuration status="ERROR" shutdownHook="disable">
  <Appenders><Console name="stdout" target="SYSTEM_OUT"><PatternLayout pattern="%p %m%n%throwable"/></Console></Appenders>
  <Loggers>
    <Logger name="org.apache.kafka.storage.internals.log.LogCleaner$CleanerThread" level="INFO"/>
    <Root level="WARN"><AppenderRef ref="stdout"/></Root>
  </Loggers>
</Configuration>
`
const WARNINGS_MAX = 20

/** Counters of the broker's process since its start, bytes. */
export interface ProcessIo {
  /** Asked for by read and write calls, the page cache's share included. */
  readonly readCallBytes: number
  readonly writeCallBytes: number
  /** What reached the disk for it. */
  readonly diskReadBytes: number
  readonly diskWriteBytes: number
}

export interface CleanerBroker {
  readonly brokers: string
  readonly logDir: string
  readonly passes: readonly CleanerPass[]
  /** What the broker complained about. */
  readonly warnings: readonly string[]
  io(): ProcessIo
  residentMib(): number
  stop(): Promise<void>
}

export async function startBroker(
  folder: string,
  properties: Readonly<Record<string, string | number>>,
): Promise<CleanerBroker> {
  const dataDir = join(folder, 'kafka')
  rmSync(dataDir, { recursive: true, force: true })
  mkdirSync(dataDir, { recursive: true })
  const log4j = join(dataDir, 'log4j2.xml')
  writeFileSync(log4j, LOG4J)
  const log = new CleanerLog()
  const warnings: string[] = []
  const [port, controllerPort] = (await freePorts(2)) as [number, number]
  const kafka = await startKafka({
    dataDir,
    port,
    controllerPort,
    properties,
    jvmFlags: [`-Dlog4j2.configurationFile=${log4j}`],
    onLog: (line) => {
      log.line(line)
      if (/^(WARN|ERROR) /.test(line) && warnings.length < WARNINGS_MAX) warnings.push(line)
    },
  })
  const procfs = (file: string) => readFileSync(`/proc/${kafka.pid}/${file}`, 'utf8')
  const field = (file: string, name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(procfs(file))?.[1] ?? 0)
  return {
    brokers: kafka.brokers,
    logDir: join(dataDir, 'log'),
    passes: log.passes,
    warnings,
    io: () => ({
      readCallBytes: field('io', 'rchar'),
      writeCallBytes: field('io', 'wchar'),
      diskReadBytes: field('io', 'read_bytes'),
      diskWriteBytes: field('io', 'write_bytes'),
    }),
    residentMib: () => field('status', 'VmRSS') / 1024,
    stop: async () => {
      await kafka.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
