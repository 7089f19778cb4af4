import { relayUrls } from '@millrace/config'
import type { Log } from '@millrace/kafka'
import { type Clock, ok, transient, unwrap } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import type { ProcessContext } from '@millrace/observability'
import type { Verifier } from '@millrace/verifier'
import type { Bounds, RelayConfig } from '../config.ts'
import { FrameWriter } from '../frames/frame-writer.ts'
import { edgeLimits } from '../limits/edge-limits.ts'
import { clientAddresses } from '../server/client-addresses.ts'
import { EdgeServer, type ServingParts } from '../server/edge-server.ts'
import { homePage } from '../server/home-page.ts'
import { relayInformation } from '../server/relay-information.ts'
import { rootPage } from '../server/root-page.ts'
import type { OpenEdgeView } from '../view/edge-view.ts'
import type { WorkerParts } from '../workers/worker.ts'
import { type CatchUpParts, catchUp, learnStoredKeys } from './catch-up.ts'
import { Edge } from './edge.ts'
import { logFacts, onceKafkaAnswers } from './log-facts.ts'
import { checkRelayUrls } from './relay-urls.ts'
import type { EdgeStore } from './store.ts'

export interface RelayParts {
  readonly kafka: Log
  readonly store: EdgeStore
  readonly verifier: Pick<Verifier, 'verify' | 'verifySignature' | 'pending'>
  readonly openView: OpenEdgeView
  /** The relay's own pubkey (NIP-11 `self`). */
  readonly self: string
  readonly version: string
  readonly clock: Clock
  /** Null or absent: the edge is this process alone. */
  readonly worker?: WorkerParts | null
  /** Milliseconds that only grow, for rates; default: those of the process. */
  readonly monotonicMs?: () => number
}

/** How a running relay is reached. */
export interface RunningRelay {
  readonly port: number
  readonly edge: Edge
  readonly server: EdgeServer
}

/** With an fsync per partition and batch, two lanes carried a few percent more than one, and four no more than two. */
const PRODUCE_LANES = 2
const SHUTDOWN_GRACE_MS = 5_000
const READER_ENDED = transient('consumer-stalled', 'the live reader ended')

/**
 * Starts a relay and answers once it listens, which it does only when everything acknowledged is readable. Parts register
 * with the context, so that they stop in reverse order. Throws FaultError.
 */
export async function startRelay(
  context: ProcessContext<RelayConfig>,
  parts: RelayParts,
): Promise<RunningRelay> {
  const { config, log, metrics, signal, onStop, onReady, fail } = context
  const { kafka, store } = parts
  unwrap(checkRelayUrls(relayUrls(config.edge, config.edge.port)))
  const processes = parts.worker?.workers ?? 1
  const { limiter, onIgnoredForward } = unwrap(
    edgeLimits(config.limits, { log, metrics, nowMs: parts.monotonicMs, processes }),
  )
  const clientAddressOf = unwrap(clientAddresses(config.edge.trustedProxies, onIgnoredForward))
  let waitsFor: string | null = 'waiting for Kafka'
  onReady('log', () => waitsFor)
  const facts = unwrap(await onceKafkaAnswers(() => logFacts(kafka), log, signal))
  const lingerMs = config.admission.produceLingerMs
  const producer = unwrap(
    await onceKafkaAnswers(
      async () => ok(await kafka.producer({ lingerMs, lanes: PRODUCE_LANES })),
      log,
      signal,
    ),
  )
  onStop('producer', () => producer.close())
  const tombstones = new TombstoneSet()
  const view = config.view.isOn ? await parts.openView({ ...facts, config, tombstones, log, metrics }) : null
  const acked = parts.worker?.acked(facts.partitionCount) ?? null
  if (acked !== null) onStop('acknowledged positions', () => acked.close())
  const edge = new Edge({
    ...parts,
    acked,
    readerId: parts.worker ? `${config.edge.id}.${parts.worker.number}` : config.edge.id,
    ...facts,
    tombstones,
    view,
    config,
    producer,
    log,
    metrics,
    onFault: fail,
  })
  onReady('clickhouse', () => {
    const { away } = edge.watermarks
    return away !== null && edge.view?.serving() ? { degraded: away } : away
  })
  onStop('serving view', () => edge.view?.stop())
  onStop('live reader', () => edge.logReader.stop())
  waitsFor = 'reading the log'
  const catchUpParts: CatchUpParts = { kafka, store, log, signal }
  const start = unwrap(await catchUp(edge, catchUpParts))
  waitsFor = null
  void edge.logReader.ended.then((ended) => {
    if (!signal.aborted) fail(ended.ok ? READER_ENDED : ended.fault)
  })
  void edge.view?.ended.then((ended) => {
    if (!signal.aborted) fail(ended.ok ? READER_ENDED : ended.fault)
  })
  void learnStoredKeys(edge, start, catchUpParts)
  const bounds = boundsOf(config.bounds, processes)
  const worker = parts.worker?.number ?? null
  const server = new EdgeServer({ metrics, clientAddressOf, limiter, bounds, worker })
  const port = await server.listen(config.edge.host, config.edge.port, (bound) => {
    edge.requests.relayUrls = relayUrls(config.edge, bound)
    return servingParts(context, parts, edge, edge.requests.relayUrls)
  })
  onStop('clients', () => server.close(SHUTDOWN_GRACE_MS))
  log.info({ host: config.edge.host, port }, 'listening for clients')
  return { port, edge, server }
}

/** The primary hands out connections in turn, so each worker has its share of what the whole edge may have. */
const boundsOf = (bounds: Bounds, workers: number): Bounds => ({
  ...bounds,
  connectionsMax: Math.ceil(bounds.connectionsMax / workers),
  connectionsPerAddressMax: Math.ceil(bounds.connectionsPerAddressMax / workers),
})

function servingParts(
  { config, log, metrics }: ProcessContext<RelayConfig>,
  { verifier, clock, self, version }: RelayParts,
  edge: Edge,
  urls: readonly string[],
): ServingParts {
  const { bounds, admission } = config
  const information = relayInformation(config.edge, self, version, admission)
  return {
    session: {
      admission: edge.admission,
      reader: edge.reader,
      fanout: edge.fanout,
      positions: edge.eventPositions,
      verifier,
      clock,
      metrics,
      frames: new FrameWriter(),
      bounds,
      relayUrls: urls,
      onInternalError: (cause) => log.error({ err: cause }, 'a message met a programming error'),
    },
    answerRoot: rootPage(information, homePage(config.edge.name, config.edge.description, urls[0] ?? '')),
  }
}
