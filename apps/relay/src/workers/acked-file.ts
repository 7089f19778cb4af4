import { join } from 'node:path'
import type { RelayConfig } from '../config.ts'

export const ackedFileOf = ({ edge, process }: Pick<RelayConfig, 'edge' | 'process'>): string =>
  join(process.dataDir, 'views', `${edge.id}.acked`)
