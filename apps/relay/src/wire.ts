import { createRequire } from 'node:module'
import { createClickHouse } from '@millrace/clickhouse'
import { createKafkaLog } from '@millrace/kafka'
import { systemClock, unwrap } from '@millrace/kernel'
import type { ProcessContext } from '@millrace/observability'
import { createVerifier } from '@millrace/verifier'
import { clickHouseStore } from './bootstrap/clickhouse-store.ts'
import { startRelay } from './bootstrap/start-relay.ts'
import { type RelayConfig, secretKeyFileOf } from './config.ts'
import { relayKey } from './relay-key.ts'
import { threadedView } from './view/threaded-view.ts'
import { runPrimary } from './workers/run-primary.ts'
import { type WorkerParts, workerOf } from './workers/worker.ts'
import { workerNumber } from './workers/worker-number.ts'

/** An edge of one process, one of several workers, or the primary of those. */
export function wire(context: ProcessContext<RelayConfig>): Promise<void> {
  const number = workerNumber()
  if (number !== null) return wireEdge(context, workerOf(context, number))
  return context.config.edge.workers > 1 ? runPrimary(context) : wireEdge(context, null)
}

/** Connects the process to the world: Kafka, ClickHouse, its key; everything else is `startRelay`. */
async function wireEdge(context: ProcessContext<RelayConfig>, worker: WorkerParts | null): Promise<void> {
  const { config, log, metrics, onStop } = context
  const key = unwrap(await relayKey(secretKeyFileOf(config)))
  const kafka = createKafkaLog(config.kafka, { log, metrics })
  onStop('kafka', () => kafka.close())
  const ch = createClickHouse(config.clickhouse, 'req', {
    onQuery: ({ role, name }) => {
      const startMs = performance.now()
      return {
        end: (fault) => {
          metrics.observe(
            'clickhouse_query_seconds',
            { role, query: name },
            (performance.now() - startMs) / 1000,
          )
          if (fault !== null) metrics.count('clickhouse_failures_total', { role, code: fault.code })
        },
      }
    },
  })
  onStop('clickhouse', () => ch.close())
  metrics.onScrape(() => metrics.set('clickhouse_queries_waiting', { role: 'req' }, ch.queriesWaiting))
  const verifier = await createVerifier({
    implementation: config.admission.verifier,
    // Workers are as many as the processors already.
    ...(worker === null ? {} : { workers: 1 }),
  })
  onStop('verifier', () => verifier.close())
  log.info({ implementation: verifier.implementation }, 'verifier ready')
  await startRelay(context, {
    kafka,
    store: clickHouseStore(ch, config.view.isOn, () => metrics.count('reader_refills_total', {})),
    verifier,
    openView: worker?.openView ?? threadedView,
    worker,
    self: key.pubkey,
    version: VERSION,
    clock: systemClock,
  })
}

const VERSION: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version
