import { newestOf, SCHEMA_LINES, type SchemaExample } from '@millrace/schemas'
import avro from 'avsc'
import { wireFormatOf } from './wire-format.ts'

/** The record value of an example, in the wire format: what a consumer would read from its topic. */
export function encodeExample({ schema, value }: SchemaExample): Buffer {
  const type = avro.Type.forSchema(JSON.parse(newestOf(SCHEMA_LINES[schema]).avsc) as avro.Schema)
  return wireFormatOf(schema).encode(fromHex(type, value) as Record<string, unknown>)
}

/** Examples spell bytes as hex, since JSON has none. */
function fromHex(type: avro.Type, value: unknown): unknown {
  if (value === null) return null
  switch (type.typeName) {
    case 'bytes':
    case 'fixed':
      return Buffer.from(String(value), 'hex')
    case 'array': {
      const { itemsType } = type as avro.types.ArrayType
      return (value as unknown[]).map((item) => fromHex(itemsType, item))
    }
    case 'union:unwrapped': {
      const [present] = (type as avro.types.UnwrappedUnionType).types.filter((t) => t.typeName !== 'null')
      return present === undefined ? value : fromHex(present, value)
    }
    case 'record': {
      const fields = (type as avro.types.RecordType).fields
      const entries = value as Record<string, unknown>
      return Object.fromEntries(fields.map((field) => [field.name, fromHex(field.type, entries[field.name])]))
    }
    default:
      return value
  }
}
