import { backoffMs, delayMs, FaultError, fatal } from '@millrace/kernel'
import { partitionKey } from '../../consuming/backend.ts'
import type { Lane } from '../../consuming/lane.ts'
import type { Notice } from '../../consuming/notice.ts'
import { pastEnd } from '../../consuming/start-offsets.ts'
import type { ClusterHandle } from '../cluster-handle.ts'
import { CODES, faultOf } from '../errors.ts'
import type { Broker, Cluster } from '../internals.ts'
import type { KafkaLogger } from '../kafka-logger.ts'
import { type FetchedPartition, fetchCall } from '../protocol/fetch.ts'
import { partitionRanges } from './partition-ranges.ts'
import { untilAborted } from './until-aborted.ts'

export interface FetchLoopOptions {
  readonly topics: readonly string[]
  readonly maxWaitMs: number
  readonly restMs: number
  readonly fetchBytesMax: number
}

const RESPONSE_BYTES_MAX = 8 * 1024 * 1024

/**
 * Keeps lanes filled: one fetch at a time per leader, only for lanes with room, so that a busy partition holds nobody
 * back. Outages are ridden out with fresh connections; a position that the log does not have is either moved to the first
 * record (the head is gone) or fatal (the log ends before it).
 */
export class FetchLoop {
  readonly #handle: ClusterHandle
  readonly #options: FetchLoopOptions
  readonly #log: KafkaLogger

  constructor(handle: ClusterHandle, options: FetchLoopOptions, log: KafkaLogger) {
    this.#handle = handle
    this.#options = options
    this.#log = log
  }

  /** Resolves when the signal aborts; rejects with FaultError when reading cannot go on. */
  async run(lanes: readonly Lane[], notice: Notice, signal: AbortSignal): Promise<void> {
    const wake = () => notice.notify()
    signal.addEventListener('abort', wake, { once: true })
    let waits = backoffMs({ initialMs: 20, maxMs: 1_000 })
    while (!signal.aborted) {
      try {
        const cluster = await untilAborted(this.#handle.connected(this.#options.topics), signal)
        if (!cluster) return
        const moved = await this.#follow(cluster, lanes, notice, signal)
        if (moved) waits = backoffMs({ initialMs: 20, maxMs: 1_000 })
      } catch (error) {
        if (signal.aborted) return
        const fault = faultOf(error)
        if (fault.kind !== 'transient') throw new FaultError(fault)
        this.#log.debug({ err: error }, 'fetch failed')
        await this.#handle.mend(error)
        await delayMs(waits.next().value, signal)
      }
    }
  }

  /** Fetches from the present leaders until one changes or fails. Whether anything was fetched. */
  async #follow(
    cluster: Cluster,
    lanes: readonly Lane[],
    notice: Notice,
    signal: AbortSignal,
  ): Promise<boolean> {
    const round = { stale: false, moved: false }
    const loops = [...lanesByLeader(cluster, lanes)].map(async ([nodeId, own]) => {
      try {
        const broker = await cluster.findBroker({ nodeId })
        await this.#fetchFrom(broker, own, notice, signal, round)
      } finally {
        round.stale = true
        notice.notify()
      }
    })
    const outcomes = await Promise.allSettled(loops)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    if (!signal.aborted) {
      await delayMs(50, signal)
      await cluster.refreshMetadata()
    }
    return round.moved
  }

  async #fetchFrom(
    broker: Broker,
    lanes: readonly Lane[],
    notice: Notice,
    signal: AbortSignal,
    round: { stale: boolean; moved: boolean },
  ): Promise<void> {
    let turn = 0
    while (!signal.aborted && !round.stale) {
      const hungry = lanes.filter((lane) => lane.hungry)
      if (hungry.length === 0) {
        await notice.wait()
        continue
      }
      const request = fetchCall(rotated(hungry, turn++), {
        maxWaitMs: this.#options.maxWaitMs,
        partitionBytesMax: this.#options.fetchBytesMax,
        responseBytesMax: RESPONSE_BYTES_MAX,
      })
      const fetched = await untilAborted(broker.connectionPool.send(request), signal)
      if (!fetched || signal.aborted) return
      round.moved = true
      for (const part of fetched) if (!(await this.#take(lanes, part))) round.stale = true
      if (this.#options.restMs > 0 && isLevel(fetched)) await delayMs(this.#options.restMs, signal)
    }
  }

  /** Hands over what was fetched for one partition. False when its leader has to be looked up again. */
  async #take(lanes: readonly Lane[], fetched: FetchedPartition): Promise<boolean> {
    const lane = lanes.find(
      ({ topic, partition }) => topic === fetched.topic && partition === fetched.partition,
    )
    if (!lane) return true
    if (fetched.errorCode === CODES.offsetOutOfRange) {
      await this.#relocate(lane)
      return true
    }
    if (fetched.errorCode !== CODES.none) return false
    const { topic, partition, records, nextOffset, endOffset, bytes } = fetched
    lane.push({ topic, partition, records, nextOffset, endOffset }, bytes)
    return true
  }

  async #relocate(lane: Lane): Promise<void> {
    const key = partitionKey(lane)
    const cluster = await this.#handle.connected(this.#options.topics)
    const range = (await partitionRanges(cluster, [lane])).get(key)
    if (!range) throw new FaultError(fatal('internal', `no range for ${key}`))
    if (lane.position > range.end) throw new FaultError(pastEnd(key, lane.position, range.end))
    if (lane.position >= range.earliest) return
    this.#log.info(
      { topic: lane.topic, partition: lane.partition, earliest: range.earliest },
      'log head is gone',
    )
    const { topic, partition } = lane
    lane.push({ topic, partition, records: [], nextOffset: range.earliest, endOffset: range.end }, 0)
  }
}

/** Whether something came, and nothing is left. */
const isLevel = (fetched: readonly FetchedPartition[]): boolean =>
  fetched.some(({ records }) => records.length > 0) &&
  fetched.every(({ nextOffset, endOffset }) => nextOffset >= endOffset)

function lanesByLeader(cluster: Cluster, lanes: readonly Lane[]): ReadonlyMap<number, readonly Lane[]> {
  return Map.groupBy(lanes, (lane) => {
    const partitions = cluster.findTopicPartitionMetadata(lane.topic)
    const leader = partitions.find(({ partitionId }) => partitionId === lane.partition)?.leader
    if (leader === undefined) throw new Error(`${partitionKey(lane)} has no leader yet`)
    return leader
  })
}

/** The broker fills its answer front to back, so everybody gets to be first. */
function rotated<T>(items: readonly T[], turn: number): readonly T[] {
  const start = turn % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}
