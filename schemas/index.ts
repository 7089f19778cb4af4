export { examplesOf, type SchemaExample } from './examples.ts'
export {
  newestOf,
  SCHEMA_LINES,
  SCHEMA_NAMES,
  SUBJECTS,
  type SchemaLine,
  type SchemaName,
  type SchemaVersion,
  schemaById,
  type Upcaster,
} from './registry.ts'
