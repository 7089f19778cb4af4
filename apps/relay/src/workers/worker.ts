import type { ProcessContext } from '@millrace/observability'
import type { RelayConfig } from '../config.ts'
import type { OpenEdgeView } from '../view/edge-view.ts'
import { ackedFileOf } from './acked-file.ts'
import { AckedPositions } from './acked-positions.ts'
import { PrimaryChannel } from './primary-channel.ts'
import { sharedView } from './shared-view.ts'

/** What makes an edge process one of several. */
export interface WorkerParts {
  /** Counted from 1. */
  readonly number: number
  /** As many as share the edge's bounds. */
  readonly workers: number
  readonly openView: OpenEdgeView
  acked(partitionCount: number): AckedPositions
}

export function workerOf(context: ProcessContext<RelayConfig>, number: number): WorkerParts {
  const { config, metrics, readiness, stop } = context
  const { workers } = config.edge
  const primary = new PrimaryChannel({ metrics: () => metrics.snapshot(), readiness, stop })
  return {
    number,
    workers,
    openView: sharedView(primary),
    acked: (partitionCount) =>
      new AckedPositions({ file: ackedFileOf(config), workers, partitionCount }, number),
  }
}
