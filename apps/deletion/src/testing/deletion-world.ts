import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { decodeTombstone, encodeEnvelope, tombstoneKey } from '@millrace/codec'
import { ServingView } from '@millrace/event-store'
import {
  createMemoryLog,
  type LogProducer,
  type LogRecord,
  type MemoryLog,
  type OutgoingRecord,
} from '@millrace/kafka'
import { err, ManualClock, type Result, transient, unwrap } from '@millrace/kernel'
import { type Envelope, eventJson, parseFilter, type Tombstone, TombstoneSet } from '@millrace/nostr'
import type { Outcome } from '@millrace/pipeline'
import { DeletionState, type DeletionStateOptions, type Policy } from '@millrace/projection-deletion'
import { below, type Random, type SignedEvent } from '@millrace/testkit'
import { catalogue, DEFAULT_TOPIC_OPTIONS, TOPICS } from '@millrace/topics'
import { DueTimer } from '../due-timer.ts'
import { OutboxSender } from '../outbox-sender.ts'
import { eventsSink } from '../sinks.ts'
import { eventsTopology } from '../topology.ts'
import { NOW_S, PARTITIONS, partitionOf, RELAY_URL } from './histories.ts'

const UNBOUNDED = { viewBytesMax: 2 ** 30, viewWinnersBytesMax: 2 ** 30, viewAgeDaysMax: 0 }
const NO_METRICS = { count: () => {} }
const LOG_ID = 'the log'

export interface WorldOptions {
  readonly folder: string
  readonly random: Random
  readonly policy?: Policy
  readonly bug?: Bug
}

/** Changes what the consumer is made of, so that the property can be seen to fail. */
export interface Bug {
  readonly relayUrls?: readonly string[]
  readonly tombstones?: () => TombstoneSet
  readonly producer?: (producer: Appends) => Appends
  /** The event that is folded in the place of one. */
  readonly seenAs?: (event: SignedEvent) => SignedEvent
  readonly onCrash?: (state: DeletionState) => void
}

type Appends = Pick<LogProducer, 'append'>

/**
 * The deletion consumer at a log in memory, with the real state, fold, outbox and steps, driven record by record: in whatever cuts and
 * interleavings, with crashes, rebuilds and a broker that fails half way. Beside it a serving view that follows the same log.
 */
export class DeletionWorld {
  readonly log: MemoryLog
  readonly #options: WorldOptions
  readonly #clock = new ManualClock((NOW_S - 200) * 1000)
  #producer: Pick<LogProducer, 'append'> & { close(): Promise<void> } = {
    append: async () => err(transient('timeout', '')),
    close: async () => {},
  }
  #appendsLeft = Number.POSITIVE_INFINITY
  #state: DeletionState | null = null
  #sender: OutboxSender | null = null
  #tombstonesRead = new Map<number, number>()
  #view: ServingView | null = null
  #viewTombstones = new TombstoneSet()
  #viewRead = new Map<string, number>()

  constructor(options: WorldOptions) {
    this.#options = options
    const topics = catalogue({ ...DEFAULT_TOPIC_OPTIONS, eventPartitionCount: PARTITIONS }).map(
      ({ name, configs, partitions }) => ({
        name,
        configs,
        partitionCount: partitions === 'events' ? PARTITIONS : partitions,
        replicationFactor: 1,
      }),
    )
    this.log = createMemoryLog({ clock: this.#clock, topics })
  }

  get state(): DeletionState {
    if (this.#state === null) throw new Error('open it first')
    return this.#state
  }

  async open(): Promise<void> {
    this.#producer = await this.log.producer()
    await this.#openState()
    this.#view = await ServingView.open({
      folder: join(this.#options.folder, 'view'),
      logId: LOG_ID,
      bounds: UNBOUNDED,
      tombstones: this.#viewTombstones,
    })
  }

  async close(): Promise<void> {
    await this.#state?.close()
    await this.#view?.close()
    await this.#producer.close()
    await this.log.close()
  }

  /** As an import or an edge that knew no better appends it. */
  async append(event: SignedEvent): Promise<void> {
    unwrap(
      await this.#producer.append({
        topic: TOPICS.events,
        partition: partitionOf(event),
        key: event.id,
        value: encodeEnvelope({ event, receipt: { receivedAtMs: 1, source: 'import', edge: 'test' } }),
      }),
    )
  }

  /** One of the things that happen by themselves, in any order. */
  async step(): Promise<void> {
    const { random } = this.#options
    const dice = random()
    if (dice < 0.55) return void (await this.#foldSome())
    if (dice < 0.7) return this.#readTombstones()
    if (dice < 0.9) return void (await this.#feedView())
    if (dice < 0.94) return this.#crash(false)
    if (dice < 0.95) return this.#crash(true)
    if (dice < 0.98) this.#appendsLeft = below(random, 4)
    else this.log.compact(TOPICS.events)
  }

  /** Folds the next record of a partition. */
  async foldOne(partition: number): Promise<void> {
    await this.#fold(partition, 1)
  }

  /** What one more turn of the readers of tombstones does. */
  async readTombstones(): Promise<void> {
    await this.#readTombstones()
  }

  /** Everything comes to rest at `NOW_S`. */
  async settle(): Promise<void> {
    this.#appendsLeft = Number.POSITIVE_INFINITY
    this.#clock.advanceMs(NOW_S * 1000 - this.#clock.nowMs())
    const due = new DueTimer({
      state: this.state,
      sender: this.#senderNow,
      isOurs: () => true,
      clock: this.#clock,
      intervalMs: 1,
      metrics: NO_METRICS,
      onFault: ({ message }) => {
        throw new Error(message)
      },
    })
    for (let round = 0; round < 4; round++) {
      while (await this.#foldSome());
      await this.#readTombstones()
      await due.takeAll()
    }
    while (await this.#feedView());
  }

  /** Ids of the events of these authors that the compacted log holds. */
  kept(pubkeys: ReadonlySet<string>, events: readonly SignedEvent[]): ReadonlySet<string> {
    this.log.compact(TOPICS.events)
    const held = new Set<string>()
    for (const { key, value } of this.log.records(TOPICS.events))
      if (value !== null && key !== null) held.add(key.toString())
    return new Set(events.filter(({ id, pubkey }) => pubkeys.has(pubkey) && held.has(id)).map(({ id }) => id))
  }

  /** Ids that the serving view shows of some authors, whoever may read them. */
  shown(pubkeys: readonly string[]): readonly string[] {
    const view = this.#view as ServingView
    const context = { authedPubkeys: new Set(pubkeys), nowS: NOW_S }
    const limits = { eventsMax: 1_000, bytesMax: 2 ** 24, sliceMs: 1_000 }
    return view
      .page(unwrap(parseFilter({ authors: pubkeys })), null, context, limits)
      .events.map(({ id }) => id)
  }

  get addressesInDoubt(): number {
    return (this.#view as ServingView).state.addressesInDoubt
  }

  /** All tombstones of the log, folded in a random order. */
  tombstones(): readonly Tombstone[] {
    return this.log
      .records(TOPICS.tombstones)
      .flatMap(({ value }) => (value === null ? [] : [unwrap(decodeTombstone(value))]))
  }

  /** Keys of tombstones that were written with a floor and then without it. */
  lostFloors(): readonly string[] {
    const withFloor = new Set<string>()
    const lost: string[] = []
    for (const tombstone of this.tombstones()) {
      const key = tombstoneKey(tombstone)
      if (tombstone.floor !== null) withFloor.add(key)
      else if (withFloor.has(key)) lost.push(key)
    }
    return lost
  }

  get #senderNow(): OutboxSender {
    if (this.#sender === null) throw new Error('open it first')
    return this.#sender
  }

  async #openState(): Promise<void> {
    const { folder, policy, bug } = this.#options
    const tombstones = bug?.tombstones?.() ?? new TombstoneSet()
    for (const tombstone of this.tombstones()) tombstones.apply(tombstone)
    const options: DeletionStateOptions = {
      folder: join(folder, 'state'),
      logId: LOG_ID,
      relayUrls: bug?.relayUrls ?? [RELAY_URL],
      tombstones,
      nowMs: () => this.#clock.nowMs(),
      ...(policy && { policy }),
    }
    this.#state = await DeletionState.open(options)
    const append = (record: OutgoingRecord) => this.#appendOne(record)
    this.#sender = new OutboxSender({
      state: this.#state,
      producer: bug?.producer?.({ append }) ?? { append },
      partitionCount: PARTITIONS,
      clock: this.#clock,
      metrics: NO_METRICS,
    })
    this.#tombstonesRead = new Map()
    await this.#readTombstones()
    await this.#sender.flush()
  }

  async #appendOne(record: OutgoingRecord): ReturnType<LogProducer['append']> {
    if (this.#appendsLeft-- <= 0) return err(transient('kafka-unavailable', 'the broker is away'))
    return this.#producer.append(record)
  }

  async #crash(losesState: boolean): Promise<void> {
    const { folder, bug } = this.#options
    bug?.onCrash?.(this.state)
    await this.state.close()
    if (losesState) rmSync(join(folder, 'state'), { recursive: true })
    await this.#openState()
  }

  /** Folds what comes next of a random partition, cut at random; false when there is nothing. */
  async #foldSome(): Promise<boolean> {
    const { random } = this.#options
    const marks = unwrap(await this.state.watermarks.read(TOPICS.events))
    const unread = this.log
      .records(TOPICS.events)
      .filter(({ partition, offset }) => offset >= (marks.get(partition)?.nextOffset ?? 0))
    const partitions = [...new Set(unread.map(({ partition }) => partition))]
    const partition = partitions[below(random, partitions.length)]
    if (partition === undefined) return false
    return this.#fold(partition, 1 + below(random, 4))
  }

  async #fold(partition: number, countMax: number): Promise<boolean> {
    const marks = unwrap(await this.state.watermarks.read(TOPICS.events))
    const records = this.log
      .records(TOPICS.events)
      .filter(
        (record) =>
          record.partition === partition && record.offset >= (marks.get(partition)?.nextOffset ?? 0),
      )
      .slice(0, countMax)
    const { bug } = this.#options
    const sink = eventsSink(this.state, this.#senderNow)
    const topology = eventsTopology(sink)
    const accepted = records.flatMap((record) => {
      const outcome = topology.run(record) as Outcome<Envelope>
      if (outcome.type !== 'ok') return []
      const value = outcome.value as Envelope
      const event = bug?.seenAs?.(value.event as SignedEvent) ?? value.event
      return [{ ...placeOf(record), value: { ...value, event } }]
    })
    const applied: Result<void> =
      accepted.length === 0 ? await this.#senderNow.flush() : await sink.apply(accepted)
    // A broker that is away: the runner asks again, and the watermark moves then.
    if (!applied.ok) {
      this.#appendsLeft = Number.POSITIVE_INFINITY
      return true
    }
    const nextOffset = (records.at(-1)?.offset ?? 0) + 1
    unwrap(
      await this.state.watermarks.write(TOPICS.events, LOG_ID, [{ partition, nextOffset, appendedAtMs: 0 }]),
    )
    return true
  }

  async #readTombstones(): Promise<void> {
    const fresh = this.log
      .records(TOPICS.tombstones)
      .filter(({ partition, offset }) => offset >= (this.#tombstonesRead.get(partition) ?? 0))
    for (const { partition, offset, value } of fresh) {
      this.#tombstonesRead.set(partition, offset + 1)
      if (value !== null) this.state.foldTombstones([unwrap(decodeTombstone(value))])
    }
    await this.#senderNow.flush()
  }

  /** The view takes the next record of a random partition of either topic; false when there is nothing. */
  async #feedView(): Promise<boolean> {
    const { random } = this.#options
    const unread = [TOPICS.events, TOPICS.tombstones].flatMap((topic) =>
      this.log
        .records(topic)
        .filter(({ partition, offset }) => offset >= (this.#viewRead.get(`${topic}:${partition}`) ?? 0)),
    )
    const places = [...new Set(unread.map(({ topic, partition }) => `${topic}:${partition}`))]
    const place = places[below(random, places.length)]
    const record = unread.find(({ topic, partition }) => `${topic}:${partition}` === place)
    if (record === undefined || place === undefined) return false
    this.#viewRead.set(place, record.offset + 1)
    if (record.value === null) return true
    const view = this.#view as ServingView
    if (record.topic === TOPICS.tombstones) {
      const tombstone = unwrap(decodeTombstone(record.value))
      this.#viewTombstones.apply(tombstone)
      await view.erase(tombstone, async () => {})
    } else
      view.apply({ events: eventsOf(record), nextOffsets: new Map([[record.partition, record.offset + 1]]) })
    return true
  }
}

const placeOf = ({ topic, partition, offset, timestampMs }: LogRecord) => ({
  topic,
  partition,
  offset,
  appendedAtMs: timestampMs,
})

function eventsOf(record: LogRecord) {
  const outcome = eventsTopology({
    name: '',
    writeSpan: '',
    apply: async () => ({ ok: true, value: undefined }),
  }).run(record) as Outcome<{ event: SignedEvent }>
  if (outcome.type !== 'ok') return []
  const { event } = outcome.value
  return [{ event, json: eventJson(event), partition: record.partition, offset: record.offset }]
}
