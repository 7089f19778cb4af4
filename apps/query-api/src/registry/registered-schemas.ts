import { newestOf, SCHEMA_LINES, type SchemaLine, type SchemaVersion, SUBJECTS } from '@millrace/schemas'
import { parsingCanonicalForm } from './parsing-canonical-form.ts'

/** A schema under a subject. */
export interface RegisteredSchema {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schema: string
}

export const subjects = (): readonly string[] => Object.keys(SUBJECTS).sort()

/** All versions of a subject, oldest first; undefined when there is no such subject. */
export const lineOf = (subject: string): SchemaLine | undefined =>
  Object.hasOwn(SUBJECTS, subject) ? SCHEMA_LINES[SUBJECTS[subject] as keyof typeof SCHEMA_LINES] : undefined

/** A schema's text as it is served: compact, attributes in the file's order. */
export const textOf = ({ avsc }: SchemaVersion): string => JSON.stringify(JSON.parse(avsc))

export const registered = (subject: string, version: SchemaVersion): RegisteredSchema => ({
  subject,
  version: version.version,
  id: version.id,
  schema: textOf(version),
})

/** Every subject and version under which an id is registered. */
export const placesOf = (id: number): readonly RegisteredSchema[] =>
  subjects().flatMap((subject) =>
    (lineOf(subject)?.versions ?? [])
      .filter((version) => version.id === id)
      .map((version) => registered(subject, version)),
  )

export const versionOf = (line: SchemaLine, version: number | 'latest'): SchemaVersion | undefined =>
  version === 'latest' ? newestOf(line) : line.versions.find((known) => known.version === version)

/** The version of a line that means the same to a reader of its records (equal canonical forms), the newest first. */
export const sameSchema = (line: SchemaLine, canonical: string): SchemaVersion | undefined =>
  line.versions.findLast((version) => canonicalOf(version) === canonical)

const canonicalForms = new Map<number, string>()

function canonicalOf(version: SchemaVersion): string {
  const known = canonicalForms.get(version.id)
  if (known !== undefined) return known
  const form = parsingCanonicalForm(JSON.parse(version.avsc))
  if (!form.ok) throw new Error(`schema ${version.id} is not Avro: ${form.fault.message}`)
  canonicalForms.set(version.id, form.value)
  return form.value
}
