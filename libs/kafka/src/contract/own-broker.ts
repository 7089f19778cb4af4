import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, startKafka } from '@millrace/testkit/stack'

/** A broker that a test may kill, freeze and start again on the same data and port. */
export interface OwnBroker {
  readonly brokers: readonly string[]
  readonly pid: number
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export async function startOwnBroker(): Promise<OwnBroker> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const [port, controllerPort] = (await freePorts(2)) as [number, number]
  const launch = () => startKafka({ dataDir, port, controllerPort })
  let running = await launch()
  return {
    brokers: [running.brokers],
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
