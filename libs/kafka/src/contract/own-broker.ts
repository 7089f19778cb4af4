import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, startKafka } from '@millrace/testkit/stack'

/** A broker that a test may kill, freeze and start again on the same data and port. */
export interface OwnBroker {
  readonly brokers: readonly string[]
  readonly pid: number
  /** Its only `log.dirs`. */
  readonly logDir: string
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export async function startOwnBroker(
  properties: Readonly<Record<string, string | number>> = {},
): Promise<OwnBroker> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const [port, controllerPort] = (await freePorts(2)) as [number, number]
  const launch = () => startKafka({ dataDir, port, controllerPort, properties })
  let running = await launch()
  return {
    brokers: [running.brokers],
    logDir: join(dataDir, 'log'),
    get pid() {
      return running.pid
    },
    kill: async () => {
      await running.kill()
    },
    start: async () => {
      running = await launch()
    },
    close: async () => {
      await running.kill()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
