export {
  type ClickHouse,
  type ClickHouseOptions,
  createClickHouse,
  type InsertSummary,
  type QueryInfo,
  type QueryObservation,
  type QueryOptions,
  type StatementOptions,
} from './client.ts'
export {
  type AppliedMigrations,
  type Migration,
  migrate,
  platformMigrations,
  readMigrations,
} from './migrations.ts'
export { observeQueries } from './observe-queries.ts'
export { RowBinaryWriter } from './row-binary.ts'
export { ROLE_LIMITS, ROLE_SETTINGS, type RoleLimits } from './settings.ts'
export {
  checkLogId,
  createWatermarkStore,
  readWatermarks,
  type Watermark,
  type WatermarkAdvance,
  type WatermarkStore,
  writeWatermarks,
} from './watermarks.ts'
