import { err, transient } from '@millrace/kernel'
import type { BelowReader } from '../viewed-reader-parts.ts'

const refusal = async () => err(transient('clickhouse-unavailable', 'the view has everything'))

/** A store that must not be asked. */
export const nothingBelow: BelowReader = {
  advance: refusal,
  lookup: refusal,
  currentVersions: refusal,
  async *query() {
    yield await refusal()
  },
}
