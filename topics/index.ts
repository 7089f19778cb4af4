export { catalogue, partitionCountOf, TOPICS, type TopicName } from './catalogue.ts'
export { isTickKey, murmur2, partitionOfOwner, TICK_KEY_PREFIX } from './partitioner.ts'
export {
  DEFAULT_TOPIC_OPTIONS,
  heartbeatIntervalMs,
  type Part,
  type Topic,
  type TopicOptions,
} from './topic.ts'
