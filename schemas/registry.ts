import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Turns a decoded value of one version into the next version's form; pure. */
export type Upcaster = (value: Record<string, unknown>) => Record<string, unknown>

/** One schema of the registry. Ids are fixed here for ever: records in the log carry them. */
export interface SchemaVersion {
  readonly id: number
  readonly version: number
  /** The folder under schemas/. */
  readonly name: string
  /** The Avro schema, as JSON text. */
  readonly avsc: string
  /** From this version to the next; null for the newest. */
  readonly upcast: Upcaster | null
}

/** All versions of one record type, oldest first; the last one is what writers use. */
export interface SchemaLine {
  readonly name: SchemaName
  readonly versions: readonly [SchemaVersion, ...SchemaVersion[]]
}

export const SCHEMA_NAMES = ['nostr-event', 'tombstone', 'relay-setting', 'dead-letter'] as const
export type SchemaName = (typeof SCHEMA_NAMES)[number]

const avscText = (name: SchemaName, version: number): string =>
  readFileSync(fileURLToPath(new URL(`./${name}/v${version}.avsc`, import.meta.url)), 'utf8')

const first = (name: SchemaName, id: number): SchemaLine => ({
  name,
  versions: [{ id, version: 1, name, avsc: avscText(name, 1), upcast: null }],
})

/**
 * The registry. A new version is a new file v<N>.avsc, a new id at the end of its line, and an upcaster on the version
 * before it (`schemas/<name>/upcast.ts`); nothing is ever removed or renumbered.
 */
export const SCHEMA_LINES: Readonly<Record<SchemaName, SchemaLine>> = {
  'nostr-event': first('nostr-event', 100_001),
  tombstone: first('tombstone', 100_002),
  'relay-setting': first('relay-setting', 100_003),
  'dead-letter': first('dead-letter', 100_004),
}

/** Subject (`<topic>-value`) → schema line; topics with the same record type share it, and so its ids. */
export const SUBJECTS: Readonly<Record<string, SchemaName>> = {
  'nostr.events.v1-value': 'nostr-event',
  'nostr.ephemeral.v1-value': 'nostr-event',
  'nostr.tombstones.v1-value': 'tombstone',
  'relay.settings.v1-value': 'relay-setting',
  'nostr.dead-letters.v1-value': 'dead-letter',
}

/** The schema with this id, or undefined. */
export const schemaById = (id: number): SchemaVersion | undefined =>
  Object.values(SCHEMA_LINES)
    .flatMap((line) => line.versions)
    .find((schema) => schema.id === id)

export const newestOf = (line: SchemaLine): SchemaVersion =>
  line.versions[line.versions.length - 1] ?? line.versions[0]
