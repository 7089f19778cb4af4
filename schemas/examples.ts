import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { SchemaName } from './registry.ts'

export interface SchemaExample {
  readonly file: string
  readonly schema: SchemaName
  /** The value in Avro's JSON form, bytes as hex: what `encodeExample` of the codec takes. */
  readonly value: Record<string, unknown>
}

/** The examples of a record type: every consumer's test runs all of them. */
export function examplesOf(schema: SchemaName): readonly SchemaExample[] {
  const folder = fileURLToPath(new URL(`./${schema}/examples/`, import.meta.url))
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      file,
      schema,
      value: JSON.parse(readFileSync(folder + file, 'utf8')) as Record<string, unknown>,
    }))
}
