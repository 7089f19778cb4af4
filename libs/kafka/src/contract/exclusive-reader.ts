import { createKafkaLog } from '../kafkajs/kafka-log.ts'
import { kafkaConfig } from './kafka-subject.ts'

/** A process of its own that reads a topic in a group until it is killed. Arguments: brokers, group, topic, exclusive. */
const [brokers = '', groupId = '', topic = '', exclusive] = process.argv.slice(2)
const log = createKafkaLog(kafkaConfig(brokers.split(',')))
const consumer = log.consumer({ groupId, topics: [topic], exclusive: exclusive === 'true' })
await consumer.start({
  onAssign: async (partitions) => partitions.map((at) => ({ ...at, offset: 'earliest' })),
  onRevoke: async () => undefined,
  onBatch: async ({ records }) => {
    process.stdout.write(`${records.length}\n`)
  },
})
