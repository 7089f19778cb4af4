import { backoffMs, delayMs, type FaultError, fatal } from '@millrace/kernel'
import { partitionKey } from '../../consuming/backend.ts'
import type { ProduceTransport } from '../../producing/batching-producer.ts'
import type { PendingRecord } from '../../producing/pending-record.ts'
import type { ClusterHandle } from '../cluster-handle.ts'
import { faultOf, missingTopic, protocolError } from '../errors.ts'
import type { Cluster } from '../internals.ts'
import type { KafkaLogger } from '../kafka-logger.ts'
import { type ProducedPartition, produceCall } from '../protocol/produce.ts'
import { FlightWork, type PartitionBatch } from './partition-work.ts'
import { ProducerSession } from './producer-session.ts'
import { tooLarge, verdictOf } from './verdict.ts'

/** A topic that is unknown for this long does not exist; a new one may take a moment to reach every broker. */
const UNKNOWN_TOPIC_GRACE_MS = 2_000

/** What the transport needs of its connections. */
export type Connections = Pick<ClusterHandle, 'connected' | 'mend' | 'reset' | 'close'>

interface Outgoing {
  readonly head: PartitionBatch
  readonly batch: Buffer
}

/**
 * Delivers flights to the partitions' leaders as an idempotent producer with acks=all and one request in flight: a batch
 * is repeated unchanged until the broker answers for it, so it lands once and in order. A flight whose fate stays unknown
 * ends the session, and the next one gets a new producer id.
 */
export class KafkaTransport implements ProduceTransport {
  readonly #handle: Connections
  readonly #log: KafkaLogger
  readonly #requestTimeoutMs: number
  #session: ProducerSession | null = null
  #flight: { readonly work: FlightWork; readonly letGo: AbortController } | null = null

  constructor(handle: Connections, requestTimeoutMs: number, log: KafkaLogger) {
    this.#handle = handle
    this.#requestTimeoutMs = requestTimeoutMs
    this.#log = log
  }

  async deliver(batch: readonly PendingRecord[]): Promise<void> {
    const work = new FlightWork(batch)
    const letGo = new AbortController()
    this.#flight = { work, letGo }
    const abandoned = new Promise<void>((resolve) => {
      letGo.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([this.#attempts(work, letGo.signal), abandoned])
    this.#flight = null
  }

  abandon(): void {
    if (!this.#flight) return
    this.#log.warn({ topics: this.#flight.work.topics }, 'produce batch abandoned at its deadline')
    this.#flight.work.abandoned = true
    this.#session = null
    this.#handle.reset()
    this.#flight.letGo.abort()
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #attempts(work: FlightWork, signal: AbortSignal): Promise<void> {
    const startedMs = performance.now()
    const waits = backoffMs({ initialMs: 10, maxMs: 500 })
    while (work.open) {
      try {
        if (await this.#attempt(work)) continue
      } catch (error) {
        if (work.abandoned) return
        await this.#judge(work, error, performance.now() - startedMs)
      }
      await delayMs(waits.next().value, signal)
    }
  }

  /** One request per leader. Whether it got further, so that the next attempt need not wait. */
  async #attempt(work: FlightWork): Promise<boolean> {
    const cluster = await this.#handle.connected(work.topics)
    this.#session ??= await ProducerSession.open(cluster)
    const session = this.#session
    const perLeader = leadersOf(cluster, work)
    const brokers = await Promise.all(
      [...perLeader].map(async ([nodeId, heads]) => ({
        broker: await cluster.findBroker({ nodeId }),
        heads,
      })),
    )
    if (work.abandoned) return false
    const answers = await Promise.allSettled(
      brokers.map(async ({ broker, heads }) => {
        const outgoing = encodeHeads(work, heads, session)
        if (outgoing.length === 0) return true
        const partitions = outgoing.map(({ head: { topic, partition }, batch }) => ({
          topic,
          partition,
          batch,
        }))
        const produced = await broker.connectionPool.send(produceCall(partitions, this.#requestTimeoutMs))
        return this.#apply(work, session, outgoing, produced)
      }),
    )
    if (work.abandoned) return false
    const failed = answers.find((answer) => answer.status === 'rejected')
    if (failed) throw failed.reason
    if (answers.every((answer) => answer.status === 'fulfilled' && answer.value)) return true
    await cluster.refreshMetadata()
    return false
  }

  /** Whether every partition of the request got an answer that settles it. */
  #apply(
    work: FlightWork,
    session: ProducerSession,
    outgoing: readonly Outgoing[],
    produced: readonly ProducedPartition[],
  ): boolean {
    const answers = new Map(produced.map((answer) => [partitionKey(answer), answer]))
    let settled = true
    for (const { head } of outgoing) {
      const answer = answers.get(partitionKey(head))
      const verdict = answer ? verdictOf(answer.errorCode) : ({ kind: 'again' } as const)
      switch (verdict.kind) {
        case 'acknowledged':
          session.advance(head, head.entries.length)
          head.acknowledge(answer?.baseOffset ?? 0)
          work.done(head)
          break
        case 'too-large':
          if (!head.divisible) for (const entry of head.entries) entry.refuse(tooLarge)
          work.done(head, head.divisible ? head.halves() : [])
          break
        case 'refused':
          for (const entry of head.entries) entry.refuse(verdict.fault)
          work.done(head)
          break
        case 'session-over':
          this.#endSession(session, work, verdict.fault)
          return true
        case 'again':
          this.#log.debug(
            { topic: head.topic, partition: head.partition, code: answer?.errorCode },
            'produce again',
          )
          settled = false
      }
    }
    return settled
  }

  /** Whatever of the flight has no answer yet may be in the log under the old numbering: it is not sent again. */
  #endSession(session: ProducerSession, work: FlightWork, fault: FaultError['fault']): void {
    this.#log.warn({ fault: fault.code, detail: fault.message }, 'producer session renewed')
    if (this.#session === session) this.#session = null
    work.abandoned = true
    for (const entry of work.entries()) entry.refuse(fault)
  }

  /** Ends the flight when waiting cannot help; otherwise the next attempt follows. */
  async #judge(work: FlightWork, error: unknown, elapsedMs: number): Promise<void> {
    const unknownTopic =
      protocolError(error) === 'UNKNOWN_TOPIC_OR_PARTITION' && elapsedMs > UNKNOWN_TOPIC_GRACE_MS
    const fault = unknownTopic ? missingTopic(work.topics).fault : faultOf(error)
    if (fault.kind === 'transient') {
      this.#log.debug({ err: error }, 'produce attempt failed')
      await this.#handle.mend(error)
      return
    }
    for (const entry of work.entries()) entry.refuse(fault)
    work.abandoned = true
    if (work.entries().some(({ sent }) => sent)) this.#session = null
  }
}

function encodeHeads(
  work: FlightWork,
  heads: readonly PartitionBatch[],
  session: ProducerSession,
): readonly Outgoing[] {
  return heads.flatMap((head) => {
    const batch = head.encode(session)
    if (batch) return [{ head, batch }]
    work.done(head)
    return []
  })
}

function leadersOf(cluster: Cluster, work: FlightWork): ReadonlyMap<number, readonly PartitionBatch[]> {
  const perLeader = new Map<number, PartitionBatch[]>()
  for (const head of work.heads()) {
    const partitions = cluster.findTopicPartitionMetadata(head.topic)
    const leader = partitions.find(({ partitionId }) => partitionId === head.partition)?.leader
    if (leader === undefined) {
      const fault = fatal('topic-mismatch', `${head.topic} has no partition ${head.partition}`)
      for (const entry of head.entries) entry.refuse(fault)
      work.done(head)
      continue
    }
    const group = perLeader.get(leader)
    if (group) group.push(head)
    else perLeader.set(leader, [head])
  }
  return perLeader
}
