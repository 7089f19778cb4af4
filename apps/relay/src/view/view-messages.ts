import type { KafkaConfig } from '@millrace/config'
import type { Settlement } from '@millrace/event-store'
import type { Fault } from '@millrace/kernel'
import type { RelayConfig } from '../config.ts'
import type { ViewApplied } from './edge-view.ts'

/** What the thread that keeps a view up is started with. */
export interface ViewThreadData {
  readonly folder: string
  readonly edgeId: string
  readonly logId: string
  readonly partitionCount: number
  readonly bounds: RelayConfig['view']
  readonly kafka: KafkaConfig
  readonly erasureDeadlineS: number
}

/** Edge → thread. */
export type ToViewThread =
  | { readonly type: 'start'; readonly ends: ReadonlyMap<number, number> }
  | { readonly type: 'stored'; readonly nextOffsets: ReadonlyMap<number, number> }
  | { readonly type: 'settle'; readonly settlements: readonly Settlement[] }
  /** Nobody reads the file before any more. */
  | { readonly type: 'followed' }
  | { readonly type: 'stop' }

export type ViewLogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Thread → edge. A fault travels without its cause, which may not be cloneable. */
export type FromViewThread =
  | { readonly type: 'opened' }
  | { readonly type: 'started' }
  /** The view has gone on in a new file. */
  | { readonly type: 'moved' }
  | ({ readonly type: 'applied' } & ViewApplied)
  | { readonly type: 'log'; readonly level: ViewLogLevel; readonly fields: object; readonly message: string }
  | { readonly type: 'ended'; readonly fault: Omit<Fault, 'cause'> | null }
