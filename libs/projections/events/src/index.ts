export { type AppliedRecord, type EventRow, foldEvent } from './fold.ts'
export { eventsMigrations } from './migrations.ts'
export { createEventsSink, type EventsSink, type EventsSinkOptions } from './sink.ts'
export { checkViewAccess } from './view-access.ts'
