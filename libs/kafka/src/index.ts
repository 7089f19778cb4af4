export { createKafkaLog, type KafkaLogDeps } from './kafkajs/kafka-log.ts'
export type { KafkaLogger } from './kafkajs/kafka-logger.ts'
export { readLogId } from './log-id.ts'
export { createMemoryLog, type MemoryLog, type MemoryLogOptions } from './memory/memory-log.ts'
export type * from './port.ts'
export { readSegments, type SegmentRecord, type SegmentsRead } from './segments/read-segments.ts'
export {
  listSegmentFiles,
  type SegmentFile,
  type SegmentListing,
  type SegmentProblem,
  type SegmentsPlace,
} from './segments/segment-files.ts'
export { type AppliedTopic, type AppliedTopics, applyTopics } from './topics-apply.ts'
