import type { KafkaConfig } from '@millrace/config'
import { FaultError, transient } from '@millrace/kernel'
import { until } from '@millrace/testkit'
import { ClusterHandle } from '../kafkajs/cluster-handle.ts'
import { createKafkaLog } from '../kafkajs/kafka-log.ts'
import { silentLogger } from '../kafkajs/kafka-logger.ts'
import { alterBrokerConfigsCall } from '../kafkajs/protocol/incremental-alter-configs.ts'
import type { Log } from '../port.ts'
import { deleteRecordsCall } from './delete-records.ts'
import { appendAll, type LogSubject, outgoing } from './log-subject.ts'

export const kafkaConfig = (brokers: readonly string[]): KafkaConfig => ({
  brokers,
  clientId: 'contract',
  ssl: false,
  sslCaFile: null,
  sasl: null,
})

/** A real broker as a subject of the contract suite. Its cleaner is told to run all the time. */
export async function openKafkaSubject(brokers: readonly string[]): Promise<LogSubject> {
  const log = createKafkaLog(kafkaConfig(brokers))
  const second = createKafkaLog(kafkaConfig(brokers))
  await cleanEagerly(brokers)
  return {
    log,
    secondLog: () => second,
    cleanableConfigs: {
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.001',
      'max.compaction.lag.ms': '100',
      'delete.retention.ms': '0',
      'file.delete.delay.ms': '100',
    },
    compact: (topic, recordsMax) => compact(log, topic, recordsMax),
    deleteBefore: (topic, partition, offset) => deleteBefore(brokers, topic, partition, offset),
    close: async () => {
      await Promise.all([log.close(), second.close()])
    },
  }
}

async function deleteBefore(
  brokers: readonly string[],
  topic: string,
  partition: number,
  offset: number,
): Promise<void> {
  const handle = new ClusterHandle(kafkaConfig(brokers), { requestTimeoutMs: 5_000 }, silentLogger)
  const broker = await (await handle.connected([topic])).findControllerBroker()
  const codes = await broker.connectionPool.send(deleteRecordsCall({ topic, partition }, offset))
  await handle.close()
  if (codes.some((code) => code !== 0)) throw new Error(`DeleteRecords answered ${codes}`)
}

async function cleanEagerly(brokers: readonly string[]): Promise<void> {
  const handle = new ClusterHandle(kafkaConfig(brokers), { requestTimeoutMs: 5_000 }, silentLogger)
  const broker = await (await handle.connected()).findControllerBroker()
  const [answer] = await broker.connectionPool.send(
    alterBrokerConfigsCall({ 'log.cleaner.backoff.ms': '250' }),
  )
  await handle.close()
  if (answer?.errorCode !== 0)
    throw new FaultError(transient('internal', `no eager cleaner: ${answer?.errorMessage}`))
}

const TICK = '~tick'

/** Segments roll only on append, and only rolled ones are cleaned: each look appends to every partition. */
async function compact(log: Log, topic: string, recordsMax: number): Promise<void> {
  const admin = await log.admin()
  const partitions = (await admin.offsets(topic)).map(({ partition }) => partition)
  await admin.close()
  await until(
    async () => {
      await appendAll(
        log,
        partitions.map((partition) => outgoing(topic, partition, TICK)),
      )
      let records = 0
      await log.readToEnd(topic, (batch) => {
        records += batch.records.filter(({ key }) => key?.toString() !== TICK).length
      })
      return records <= recordsMax
    },
    { what: `${topic} compacted to ${recordsMax} records`, deadlineMs: 60_000, intervalMs: 300 },
  )
}
