import { err, invalid, ok, type Result } from '@millrace/kernel'

const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/
const DEPTH_MAX = 64

type Attributes = Readonly<Record<string, unknown>>

/**
 * Avro's Parsing Canonical Form (Avro specification, "Transforming into Parsing Canonical Form"): two schemas with the
 * same form read and write the same bytes. Fault: schema-incompatible when the value is no Avro schema.
 */
export function parsingCanonicalForm(schema: unknown): Result<string> {
  try {
    return ok(new Canonicaliser().form(schema, '', 0))
  } catch (cause) {
    if (cause instanceof NotAvro) return err(invalid('schema-incompatible', cause.message))
    throw cause
  }
}

class NotAvro extends Error {}

class Canonicaliser {
  readonly #names = new Set<string>()

  form(schema: unknown, namespace: string, depth: number): string {
    if (depth > DEPTH_MAX) throw new NotAvro(`nested deeper than ${DEPTH_MAX} levels`)
    if (typeof schema === 'string') return this.#reference(schema, namespace)
    if (Array.isArray(schema))
      return `[${schema.map((branch) => this.form(branch, namespace, depth + 1)).join(',')}]`
    if (typeof schema !== 'object' || schema === null)
      throw new NotAvro('a type is a name, a list or an object')
    return this.#complex(schema as Attributes, namespace, depth)
  }

  #reference(name: string, namespace: string): string {
    if (PRIMITIVES.has(name)) return JSON.stringify(name)
    const full = fullName(name, namespace)
    if (!this.#names.has(full)) throw new NotAvro(`the type ${full} is not defined`)
    return JSON.stringify(full)
  }

  #complex(schema: Attributes, namespace: string, depth: number): string {
    const { type } = schema
    switch (type) {
      case 'array':
        return `{"type":"array","items":${this.form(schema['items'], namespace, depth + 1)}}`
      case 'map':
        return `{"type":"map","values":${this.form(schema['values'], namespace, depth + 1)}}`
      case 'record':
      case 'error':
      case 'enum':
      case 'fixed':
        return this.#named(type, schema, namespace, depth)
      default:
        // {"type": "string"} is "string", with attributes that change no byte.
        return this.form(type, namespace, depth + 1)
    }
  }

  #named(type: string, schema: Attributes, outer: string, depth: number): string {
    const { name, namespace } = schema
    if (typeof name !== 'string') throw new NotAvro(`a ${type} has no name`)
    const full = fullName(name, typeof namespace === 'string' ? namespace : outer)
    if (this.#names.has(full)) throw new NotAvro(`the type ${full} is defined twice`)
    this.#names.add(full)
    const head = `{"name":${JSON.stringify(full)},"type":"${type}"`
    if (type === 'enum') return `${head},"symbols":[${symbolsOf(schema, full).join(',')}]}`
    if (type === 'fixed') return `${head},"size":${sizeOf(schema, full)}}`
    const fields = this.#fields(schema['fields'], full, depth)
    return `${head},"fields":[${fields.join(',')}]}`
  }

  #fields(fields: unknown, record: string, depth: number): string[] {
    if (!Array.isArray(fields)) throw new NotAvro(`the record ${record} has no fields`)
    const namespace = record.slice(0, Math.max(0, record.lastIndexOf('.')))
    const names = new Set<string>()
    return fields.map((field: Attributes | null) => {
      const name = field?.['name']
      if (typeof name !== 'string' || !NAME.test(name) || name.includes('.') || names.has(name))
        throw new NotAvro(`a field of ${record} has no name of its own`)
      names.add(name)
      return `{"name":${JSON.stringify(name)},"type":${this.form(field?.['type'], namespace, depth + 1)}}`
    })
  }
}

function fullName(name: string, namespace: string): string {
  const full = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
  if (!NAME.test(full)) throw new NotAvro(`${JSON.stringify(full.slice(0, 100))} is not a name`)
  return full
}

function symbolsOf({ symbols }: Attributes, name: string): string[] {
  if (!Array.isArray(symbols) || new Set(symbols).size !== symbols.length)
    throw new NotAvro(`the enum ${name} has no distinct symbols`)
  return symbols.map((symbol: unknown) => {
    if (typeof symbol !== 'string' || !NAME.test(symbol))
      throw new NotAvro(`a symbol of ${name} is not a name`)
    return JSON.stringify(symbol)
  })
}

function sizeOf({ size }: Attributes, name: string): number {
  if (!Number.isInteger(size) || (size as number) < 0) throw new NotAvro(`the fixed ${name} has no size`)
  return size as number
}
