import { unwrap } from '@millrace/kernel'
import { SCHEMA_LINES } from '@millrace/schemas'
import avro from 'avsc'
import { describe, expect, test } from 'vitest'
import { parsingCanonicalForm } from './parsing-canonical-form.ts'

const avscCanonical = (schema: unknown) => JSON.stringify(avro.Type.forSchema(schema as avro.Schema).schema())

const ours = Object.values(SCHEMA_LINES).flatMap((line) => line.versions)

test.each(ours.map(({ name, version, avsc }) => [`${name} v${version}`, avsc]))(
  '%s as avsc has it',
  (_, avsc) => {
    expect(unwrap(parsingCanonicalForm(JSON.parse(avsc)))).toBe(avscCanonical(JSON.parse(avsc)))
  },
)

const RECURSIVE = {
  type: 'record',
  name: 'Tree',
  namespace: 'a.b',
  aliases: ['Bush'],
  fields: [
    { name: 'left', type: ['null', 'Tree'], default: null, doc: 'smaller' },
    { name: 'size', type: { type: 'int', logicalType: 'date' }, order: 'ignore' },
    { name: 'leaves', type: { type: 'map', values: { type: 'array', items: 'long' } } },
    { name: 'kind', type: { type: 'enum', name: 'Kind', namespace: 'c', symbols: ['A', 'B'], default: 'A' } },
    { name: 'again', type: 'c.Kind' },
    { name: 'hash', type: { type: 'fixed', size: 4, name: 'Hash' } },
  ],
}

test('names in full, attributes that change no byte left out', () => {
  const { aliases: _, ...plain } = RECURSIVE
  expect(unwrap(parsingCanonicalForm(RECURSIVE))).toBe(avscCanonical(plain))
})

describe('what is no schema', () => {
  let deep: unknown = 'int'
  for (let level = 0; level < 100; level++) deep = { type: 'array', items: deep }
  test.each<[string, unknown]>([
    ['a number', 7],
    ['nothing', null],
    ['an unknown name', 'Tree'],
    ['no type', { name: 'a' }],
    ['a record without a name', { type: 'record', fields: [] }],
    ['a record without fields', { type: 'record', name: 'A' }],
    ['a name of two words', { type: 'fixed', name: 'a b', size: 1 }],
    ['a field without a name', { type: 'record', name: 'A', fields: [{ type: 'int' }] }],
    ['a field null', { type: 'record', name: 'A', fields: [null] }],
    [
      'a field twice',
      {
        type: 'record',
        name: 'A',
        fields: [
          { name: 'a', type: 'int' },
          { name: 'a', type: 'int' },
        ],
      },
    ],
    [
      'a type twice',
      [
        { type: 'fixed', name: 'A', size: 1 },
        { type: 'fixed', name: 'A', size: 1 },
      ],
    ],
    ['an enum without symbols', { type: 'enum', name: 'A' }],
    ['a symbol twice', { type: 'enum', name: 'A', symbols: ['B', 'B'] }],
    ['a symbol that is no name', { type: 'enum', name: 'A', symbols: [1] }],
    ['a fixed without a size', { type: 'fixed', name: 'A' }],
    ['a fixed below nothing', { type: 'fixed', name: 'A', size: -1 }],
    ['an array of nothing', { type: 'array' }],
    ['a hundred levels', deep],
  ])('%s', (_, schema) => {
    expect(parsingCanonicalForm(schema)).toMatchObject({ ok: false, fault: { code: 'schema-incompatible' } })
  })
})
