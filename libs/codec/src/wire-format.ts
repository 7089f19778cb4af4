import { err, type Fault, invalid, ok, type Result } from '@millrace/kernel'
import { newestOf, SCHEMA_LINES, type SchemaLine, type SchemaName } from '@millrace/schemas'
import avro from 'avsc'

const MAGIC = 0
const HEADER_BYTES = 5

type AvroValue = Record<string, unknown>

interface Reader {
  readonly decode: (body: Buffer) => AvroValue
}

/**
 * Encodes and decodes one record type in the Confluent wire format: byte 0, schema id (4 bytes, big-endian), Avro body.
 * Every version of the line stays readable: Avro resolution where it suffices, the version's upcaster where it does not.
 */
export class WireFormat {
  readonly #type: avro.Type
  readonly #header: Buffer
  readonly #readers: ReadonlyMap<number, Reader>
  readonly #name: string

  constructor(line: SchemaLine) {
    const newest = newestOf(line)
    this.#name = line.name
    this.#type = parse(newest.avsc)
    this.#header = Buffer.alloc(HEADER_BYTES)
    this.#header.writeUInt8(MAGIC, 0)
    this.#header.writeUInt32BE(newest.id, 1)
    this.#readers = readersOf(line, this.#type)
  }

  encode(value: AvroValue): Buffer {
    const body = this.#type.toBuffer(value)
    return Buffer.concat([this.#header, body], HEADER_BYTES + body.length)
  }

  /** Faults: record-undecodable (not this format, or a damaged body), schema-unknown (an id this build lacks). */
  decode(bytes: Buffer): Result<AvroValue, Fault> {
    if (bytes.length <= HEADER_BYTES || bytes[0] !== MAGIC)
      return err(invalid('record-undecodable', `${this.#name}: not in the Confluent wire format`))
    const id = bytes.readUInt32BE(1)
    const reader = this.#readers.get(id)
    if (!reader)
      return err(invalid('schema-unknown', `${this.#name}: schema id ${id} is not in this registry`))
    try {
      return ok(reader.decode(bytes.subarray(HEADER_BYTES)))
    } catch (cause) {
      return err(invalid('record-undecodable', `${this.#name}: the body does not fit schema ${id}`, cause))
    }
  }
}

const parse = (avsc: string): avro.Type => avro.Type.forSchema(JSON.parse(avsc) as avro.Schema)

function readersOf(line: SchemaLine, newestType: avro.Type): ReadonlyMap<number, Reader> {
  return new Map(
    line.versions.map((schema, index): [number, Reader] => {
      const type = parse(schema.avsc)
      if (index === line.versions.length - 1)
        return [schema.id, { decode: (body) => type.fromBuffer(body) as AvroValue }]
      const upcasts = line.versions.slice(index, -1).map((version) => version.upcast)
      if (upcasts.every((upcast) => upcast === null)) {
        const resolver = newestType.createResolver(type)
        return [schema.id, { decode: (body) => newestType.fromBuffer(body, resolver) as AvroValue }]
      }
      const upcast = (value: AvroValue) => upcasts.reduce((v, step) => (step ? step(v) : v), value)
      return [schema.id, { decode: (body) => upcast(type.fromBuffer(body) as AvroValue) }]
    }),
  )
}

const formats = new Map<SchemaName, WireFormat>()

/** The wire format of a record type of the registry. */
export function wireFormatOf(name: SchemaName): WireFormat {
  const known = formats.get(name)
  if (known) return known
  const format = new WireFormat(SCHEMA_LINES[name])
  formats.set(name, format)
  return format
}
