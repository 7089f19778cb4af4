import { hash } from 'node:crypto'
import { examplesOf, SCHEMA_NAMES, type SchemaName } from '@millrace/schemas'
import { describe, expect, test } from 'vitest'
import { decodeDeadLetter } from './dead-letter.ts'
import { decodeEnvelope } from './envelope.ts'
import { encodeExample } from './example.ts'
import { decodeSetting } from './setting.ts'
import { decodeTombstone } from './tombstone.ts'

const DECODERS: Record<SchemaName, (value: Buffer) => { readonly ok: boolean }> = {
  'nostr-event': decodeEnvelope,
  tombstone: decodeTombstone,
  'relay-setting': decodeSetting,
  'dead-letter': decodeDeadLetter,
}

describe.each(SCHEMA_NAMES)('%s', (schema) => {
  const examples = examplesOf(schema)

  test('has several examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3)
  })

  test.each(examples)('$file: decoded as ever, from the same bytes as ever', (example) => {
    const bytes = encodeExample(example)
    const decoded = DECODERS[schema](bytes)
    expect(decoded.ok).toBe(true)
    expect({ sha256: hash('sha256', bytes), bytes: bytes.length, decoded }).toMatchSnapshot()
  })
})
