import type { Log } from '@millrace/kafka'
import { type Clock, ok, transient, unwrap } from '@millrace/kernel'
import { TombstoneSet } from '@millrace/nostr'
import type { ProcessContext } from '@millrace/observability'
import type { Verifier } from '@millrace/verifier'
import type { RelayConfig } from '../config.ts'
import { clientAddresses } from '../server/client-addresses.ts'
import { EdgeServer, type ServingParts } from '../server/edge-server.ts'
import { homePage } from '../server/home-page.ts'
import { relayInformation } from '../server/relay-information.ts'
import { rootPage } from '../server/root-page.ts'
import type { OpenEdgeView } from '../view/edge-view.ts'
import { type CatchUpParts, catchUp, learnStoredKeys } from './catch-up.ts'
import { Edge } from './edge.ts'
import { logFacts, onceKafkaAnswers } from './log-facts.ts'
import { checkRelayUrls, relayUrls } from './relay-urls.ts'
import type { EdgeStore } from './store.ts'

export interface RelayParts {
  readonly kafka: Log
  readonly store: EdgeStore
  readonly verifier: Pick<Verifier, 'verify' | 'pending'>
  readonly openView: OpenEdgeView
  /** The relay's own pubkey (NIP-11 `self`). */
  readonly self: string
  readonly version: string
  readonly clock: Clock
}

/** How a running relay is reached. */
export interface RunningRelay {
  readonly port: number
  readonly edge: Edge
  readonly server: EdgeServer
}

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
  const clientAddressOf = unwrap(clientAddresses(config.edge.trustedProxies))
  let waitsFor: string | null = 'waiting for Kafka'
  onReady('log', () => waitsFor)
  const facts = unwrap(await onceKafkaAnswers(() => logFacts(kafka), log, signal))
  const lingerMs = config.admission.produceLingerMs
  const producer = unwrap(
    await onceKafkaAnswers(async () => ok(await kafka.producer({ lingerMs })), log, signal),
  )
  onStop('producer', () => producer.close())
  const tombstones = new TombstoneSet()
  const view = config.view.isOn ? await parts.openView({ ...facts, config, tombstones, log, metrics }) : null
  const edge = new Edge({
    ...parts,
    ...facts,
    tombstones,
    view,
    config,
    producer,
    log,
    metrics,
    onFault: fail,
  })
  onReady('clickhouse', () => edge.watermarks.away)
  onStop('serving view', () => edge.view?.stop())
  onStop('live reader', () => edge.logReader.stop())
  waitsFor = 'reading the log'
  const catchUpParts: CatchUpParts = { kafka, store, log, signal }
  unwrap(await catchUp(edge, catchUpParts))
  waitsFor = null
  void edge.logReader.ended.then((ended) => {
    if (!signal.aborted) fail(ended.ok ? READER_ENDED : ended.fault)
  })
  void edge.view?.ended.then((ended) => {
    if (!signal.aborted) fail(ended.ok ? READER_ENDED : ended.fault)
  })
  void learnStoredKeys(edge, catchUpParts)
  const { bounds } = config
  const server = new EdgeServer({ metrics, clientAddressOf, bounds })
  const port = await server.listen(config.edge.host, config.edge.port, (bound) =>
    servingParts(context, parts, edge, relayUrls(config.edge, bound)),
  )
  onStop('clients', () => server.close(SHUTDOWN_GRACE_MS))
  log.info({ host: config.edge.host, port }, 'listening for clients')
  return { port, edge, server }
}

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
      bounds,
      relayUrls: urls,
      onInternalError: (cause) => log.error({ err: cause }, 'a message met a programming error'),
    },
    answerRoot: rootPage(information, homePage(config.edge.name, config.edge.description, urls[0] ?? '')),
  }
}
