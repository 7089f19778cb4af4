export type { CurrentVersion, EventReader, ReadContext, ServedEvent } from './event-reader.ts'
