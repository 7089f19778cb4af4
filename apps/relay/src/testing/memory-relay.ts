import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '@millrace/config'
import { parseConfig } from '@millrace/config'
import { applyTopics, createMemoryLog, type MemoryLog } from '@millrace/kafka'
import { type Clock, type Fault, systemClock, unwrap } from '@millrace/kernel'
import { createMetrics, type Metrics, silentLog } from '@millrace/observability'
import { catalogue, DEFAULT_TOPIC_OPTIONS } from '@millrace/topics'
import { createVerifier, type Verifier } from '@millrace/verifier'
import { type RunningRelay, startRelay } from '../bootstrap/start-relay.ts'
import { SECTIONS } from '../config.ts'
import { localView } from '../view/local-view.ts'
import { EmptyStore } from './empty-store.ts'

export const PARTITIONS = 4

export interface MemoryRelayOptions {
  /** Settings as environment variables. */
  readonly env?: Environment
  readonly kafka?: MemoryLog
  readonly store?: EmptyStore
  readonly clock?: Clock
  /** The clock of rates, milliseconds. */
  readonly monotonicMs?: () => number
}

/** A relay on real sockets over the memory log, and the handles a test needs. */
export interface MemoryRelay extends RunningRelay {
  readonly url: string
  readonly kafka: MemoryLog
  readonly store: EmptyStore
  readonly metrics: Metrics
  /** Faults that would have ended the process. */
  readonly faults: readonly Fault[]
  stop(): Promise<void>
}

let verifier: Promise<Verifier> | null = null

export async function memoryLog(clock: Clock = systemClock): Promise<MemoryLog> {
  const kafka = createMemoryLog({ clock })
  const options = { ...DEFAULT_TOPIC_OPTIONS, eventPartitionCount: PARTITIONS }
  unwrap(await applyTopics(await kafka.admin(), kafka, catalogue(options), options))
  return kafka
}

export async function startMemoryRelay(options: MemoryRelayOptions = {}): Promise<MemoryRelay> {
  const { clock = systemClock, store = new EmptyStore(), env = {} } = options
  const kafka = options.kafka ?? (await memoryLog(clock))
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-relay-'))
  const config = unwrap(parseConfig(SECTIONS, { RELAY_PORT: '0', MILLRACE_DATA: dataDir, ...env }))
  const metrics = createMetrics('relay')
  const abort = new AbortController()
  const stops: (() => void | Promise<void>)[] = []
  const faults: Fault[] = []
  verifier ??= createVerifier({ workers: 1 })
  const running = await startRelay(
    {
      config,
      log: silentLog,
      metrics,
      signal: abort.signal,
      onStop: (_, stop) => void stops.push(stop),
      onGet: () => {},
      onReady: () => {},
      readiness: async () => ({ ready: true, checks: {} }),
      stop: () => {},
      fail: (fault) => void faults.push(fault),
    },
    {
      kafka,
      store,
      verifier: await verifier,
      openView: localView(kafka, clock),
      self: 'f'.repeat(64),
      version: 'test',
      clock,
      ...(options.monotonicMs === undefined ? {} : { monotonicMs: options.monotonicMs }),
    },
  )
  const stop = async () => {
    abort.abort()
    for (const part of stops.reverse()) await part()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return { ...running, url: `ws://127.0.0.1:${running.port}`, kafka, store, metrics, faults, stop }
}
