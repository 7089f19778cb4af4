import { hash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import avro from 'avsc'
import { describe, expect, test } from 'vitest'
import { examplesOf } from './examples.ts'
import { newestOf, SCHEMA_LINES, SCHEMA_NAMES, type SchemaVersion, SUBJECTS, schemaById } from './registry.ts'

const versions: readonly SchemaVersion[] = Object.values(SCHEMA_LINES).flatMap((line) => line.versions)
const typeOf = ({ avsc }: SchemaVersion): avro.Type => avro.Type.forSchema(JSON.parse(avsc) as avro.Schema)

// Records in the log carry these ids, so neither an id nor what it stands for ever changes: a new version is a new line
// in this snapshot, and a changed line means that old records would be read by another schema.
test('ids and schemas are what they always were', () => {
  const ids = versions.map(({ id, name, version, avsc }) => {
    const canonical = JSON.stringify(JSON.parse(avsc))
    return `${id} ${name} v${version} ${hash('sha256', canonical)}`
  })
  expect(ids).toMatchInlineSnapshot(`
    [
      "100001 nostr-event v1 4c8c73ad1a0c276ef6c6e7056b040480812c2bc1159878a57a7b6021951c2355",
      "100002 tombstone v1 0453838ec842dd0b34d175137336863e4d9069145ffea5948b180540e8aebebd",
      "100003 relay-setting v1 cb3920552dd39549f5be616eeca5cd1eaebc41eceb6096845704d433271f440e",
      "100004 dead-letter v1 5ca3f48602b03d448796c8ef3033fcbda7c32171cd648b708cf0c0559a7fc01c",
    ]
  `)
})

test('ids are unique and from 100001 on', () => {
  const ids = versions.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(schemaById(id)?.id).toBe(id)
  expect(Math.min(...ids)).toBe(100_001)
  expect(schemaById(1)).toBeUndefined()
})

test('every schema file is in the registry', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const files = SCHEMA_NAMES.flatMap((name) =>
    readdirSync(`${folder}${name}`)
      .filter((file) => file.endsWith('.avsc'))
      .map((file) => `${name}/${file}`),
  )
  expect(files.sort()).toEqual(versions.map(({ name, version }) => `${name}/v${version}.avsc`).sort())
})

test('every subject is that of a topic and names a line', () => {
  for (const [subject, name] of Object.entries(SUBJECTS)) {
    expect(subject).toMatch(/^[a-z.-]+\.v\d+-value$/)
    expect(SCHEMA_NAMES).toContain(name)
  }
})

/** The newest version must read every older one, by Avro's rules or through the upcasters (BACKWARD_TRANSITIVE). */
function unreadable(line: readonly SchemaVersion[]): string[] {
  const newest = line.at(-1)
  if (newest === undefined) return ['no version']
  return line.slice(0, -1).flatMap((older, at) => {
    if (line.slice(at, -1).some(({ upcast }) => upcast !== null)) return []
    try {
      typeOf(newest).createResolver(typeOf(older))
      return []
    } catch (cause) {
      return [`v${newest.version} cannot read v${older.version}: ${String(cause)}`]
    }
  })
}

describe.each(SCHEMA_NAMES)('%s', (name) => {
  const line = SCHEMA_LINES[name]

  test('versions are numbered without gaps, and the newest has no upcaster', () => {
    expect(line.versions.map(({ version }) => version)).toEqual(line.versions.map((_, at) => at + 1))
    expect(newestOf(line).upcast).toBeNull()
  })

  test('the newest version reads every older one', () => {
    expect(unreadable(line.versions)).toEqual([])
  })

  test('every field says what it is where its name does not, and longs have a unit', () => {
    const { fields } = JSON.parse(newestOf(line).avsc) as {
      fields: { name: string; type: unknown; doc?: string }[]
    }
    for (const { name: field, type, doc } of fields)
      if (type === 'long' && field !== 'offset') expect(doc, field).toMatch(/seconds/)
  })

  test('its examples fill every field', () => {
    const type = typeOf(newestOf(line)) as avro.types.RecordType
    for (const { file, value } of examplesOf(name))
      expect(Object.keys(value).sort(), file).toEqual(type.fields.map((field) => field.name).sort())
  })
})

test('the compatibility check fails for a field that came without a default', () => {
  const record = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields })
  const a = { name: 'a', type: 'int' }
  const b = { name: 'b', type: 'int' }
  const version = (number: number, avsc: string): SchemaVersion => ({
    id: number,
    version: number,
    name: 'r',
    avsc,
    upcast: null,
  })
  expect(unreadable([version(1, record(a)), version(2, record(a, b))])).toHaveLength(1)
  expect(unreadable([version(1, record(a)), version(2, record(a, { ...b, default: 0 }))])).toEqual([])
  // Transitive: v3 reads v2, and still must read v1.
  const v2 = record(a, { ...b, default: 0 })
  expect(unreadable([version(1, record(a)), version(2, v2), version(3, record(a, b))])).toHaveLength(1)
})
