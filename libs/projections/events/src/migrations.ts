import { type Migration, readMigrations } from '@millrace/clickhouse'

/** The tables and views of this projection, in order. */
export const eventsMigrations = (): readonly Migration[] =>
  readMigrations('events', new URL('../tables/', import.meta.url))
