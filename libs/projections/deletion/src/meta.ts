import type { Tables } from './tables.ts'
import { FORMAT_VERSION } from './tables.ts'

/** What the state says about itself; written in the transaction that changes it. */
export interface Meta {
  readonly formatVersion: number
  readonly logId: string
  /** Topic → partition → watermark. */
  readonly positions: Readonly<Record<string, Readonly<Record<string, Mark>>>>
  /** Of what is due: another one has the index made anew. */
  readonly policyKey: string
  readonly nextErasing: number
  readonly nextOutgoing: number
  /** Since when bytes of erased events may lie in free pages, milliseconds since the Unix epoch; null: none do. */
  readonly erasedSinceMs: number | null
}

export interface Mark {
  readonly nextOffset: number
  readonly appendedAtMs: number
}

const KEY = Buffer.from('meta')

export const EMPTY_META: Meta = {
  formatVersion: FORMAT_VERSION,
  logId: '',
  positions: {},
  policyKey: '',
  nextErasing: 0,
  nextOutgoing: 0,
  erasedSinceMs: null,
}

export function readMeta({ meta }: Tables): Meta | null {
  const value = meta.get(KEY)
  return value === undefined ? null : (JSON.parse(value.toString()) as Meta)
}

export const writeMeta = ({ meta }: Tables, value: Meta): void =>
  void meta.putSync(KEY, Buffer.from(JSON.stringify(value)))
