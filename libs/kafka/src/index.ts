export { createMemoryLog, type MemoryLog, type MemoryLogOptions } from './memory/memory-log.ts'
export type * from './port.ts'
