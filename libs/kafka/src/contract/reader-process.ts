import { createKafkaLog } from '../kafkajs/kafka-log.ts'
import { kafkaConfig } from './kafka-subject.ts'

/** A process of its own that reads a topic in a group until it is killed. Arguments: brokers, group, topic, exclusive, session. */
const [brokers = '', groupId = '', topic = '', exclusive, session] = process.argv.slice(2)
const log = createKafkaLog(kafkaConfig(brokers.split(',')))
const consumer = log.consumer({
  groupId,
  topics: [topic],
  exclusive: exclusive === 'true',
  sessionTimeoutMs: Number(session),
})
await consumer.start({
  onAssign: async (partitions) => partitions.map((at) => ({ ...at, offset: 'earliest' })),
  onRevoke: async () => undefined,
  onBatch: async ({ records }) => {
    process.stdout.write(`${records.length}\n`)
  },
})
