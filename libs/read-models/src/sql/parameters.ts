type ScalarType = 'UInt32' | 'UInt64' | 'String'
type ItemType = 'UInt16' | 'UInt64' | 'String'

/** The server reads form fields up to 128 KiB (http_max_field_value_size) and refuses the request beyond. */
const FIELD_BYTES_MAX = 64 * 1024

/** Up to this many values a list of expressions is planned faster than a subquery. */
const EXPRESSIONS_MAX = 24

/**
 * Collects the server-side parameters of one statement: values never become part of its text. Indices are used for `IN`
 * with a single array parameter, with a list of expressions and with a subquery, but not with a computed array, which is
 * why lists come in two forms.
 */
export class Parameters {
  readonly #values: Record<string, unknown> = {}
  #count = 0

  get values(): Readonly<Record<string, unknown>> {
    return this.#values
  }

  /** The placeholder of a number or a short text. */
  add(type: ScalarType, value: number | string): string {
    return this.#placeholder(type, value)
  }

  /** What follows IN for a list of numbers or texts. */
  inList(type: ItemType, values: readonly (number | string)[]): string {
    const array = this.array(type, values)
    return array.startsWith('{') ? array : `(SELECT arrayJoin(${array}))`
  }

  /** What follows IN for a list of 32-byte values given in hex. */
  inHexList(values: readonly string[]): string {
    if (values.length > EXPRESSIONS_MAX) return `(SELECT arrayJoin(${this.hexArray(values)}))`
    return `(${values.map((value) => this.hex(value)).join(', ')})`
  }

  /** A list as an array, spread over as many fields as its size needs. */
  array(type: ItemType, values: readonly (number | string)[]): string {
    const arrays: string[] = []
    let field: (number | string)[] = []
    let fieldBytes = 0
    const close = () => {
      if (field.length > 0) arrays.push(this.#placeholder(`Array(${type})`, field))
      field = []
      fieldBytes = 0
    }
    for (const value of values) {
      // Quotes, a comma, and an escape before every byte at worst.
      const bytes = typeof value === 'string' ? 2 * Buffer.byteLength(value) + 3 : 18
      if (typeof value === 'string' && bytes > FIELD_BYTES_MAX) {
        arrays.push(`[${this.#longText(value)}]`)
        continue
      }
      if (fieldBytes + bytes > FIELD_BYTES_MAX) close()
      field.push(value)
      fieldBytes += bytes
    }
    close()
    if (arrays.length === 0) return `CAST([], 'Array(${type})')`
    return arrays.length === 1 ? `${arrays[0]}` : `arrayConcat(${arrays.join(', ')})`
  }

  /** A list of 32-byte values given in hex, as FixedString(32). */
  hexArray(values: readonly string[]): string {
    return `arrayMap(x -> toFixedString(unhex(x), 32), ${this.array('String', values)})`
  }

  /** One 32-byte value given in hex, as FixedString(32). */
  hex(value: string): string {
    return `toFixedString(unhex(${this.add('String', value)}), 32)`
  }

  #longText(value: string): string {
    const hex = Buffer.from(value).toString('hex')
    const pieces: string[] = []
    for (let from = 0; from < hex.length; from += FIELD_BYTES_MAX)
      pieces.push(`unhex(${this.#placeholder('String', hex.slice(from, from + FIELD_BYTES_MAX))})`)
    return `concat(${pieces.join(', ')})`
  }

  #placeholder(type: string, value: unknown): string {
    const name = `v${this.#count++}`
    this.#values[name] = value
    return `{${name}:${type}}`
  }
}
