export { createKafkaLog, type KafkaLogDeps } from './kafkajs/kafka-log.ts'
export type { KafkaLogger } from './kafkajs/kafka-logger.ts'
export { createMemoryLog, type MemoryLog, type MemoryLogOptions } from './memory/memory-log.ts'
export type * from './port.ts'
