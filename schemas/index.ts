export { examplesOf, type SchemaExample } from './examples.ts'
export {
  newestOf,
  SCHEMA_LINES,
  SCHEMA_NAMES,
  type SchemaLine,
  type SchemaName,
  type SchemaVersion,
  SUBJECTS,
  schemaById,
  type Upcaster,
} from './registry.ts'
