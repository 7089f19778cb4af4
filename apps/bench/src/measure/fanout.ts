import { delayMs } from '@millrace/kernel'
import { eventJson } from '@millrace/nostr'
import { type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { BenchSocket } from '../client/bench-socket.ts'
import { Latencies, type Percentiles } from '../latency.ts'

export interface FanoutLoad {
  readonly subscribers: number
  /** Events published per second; null: as fast as they are acknowledged, 16 at a time. */
  readonly eventsPerSecond: number | null
  readonly events: number
}

export interface FanoutResult extends FanoutLoad {
  readonly deliveries: number
  readonly deliveriesPerSecond: number
  /** From sending an EVENT to its arrival at a subscriber, milliseconds. */
  readonly deliveryMs: Percentiles
}

/** Connections opened at once: a relay's accept queue is not what is measured. */
const CONNECTS_AT_ONCE = 50
const DELIVERY_DEADLINE_MS = 120_000
const WINDOW = 16
/** A kind of its own, so that nothing else reaches the subscribers. */
const KIND = 9_999

/** Publishes to many live subscriptions, each on its own connection, and waits until all have everything. */
export async function measureFanout(
  relayUrl: string,
  load: FanoutLoad,
  onProgress: (deliveries: number) => void,
): Promise<FanoutResult> {
  const latencies = new Latencies()
  const sentMs = new Map<string, number>()
  let deliveries = 0
  const onEvent = (id: string) => {
    const sent = sentMs.get(id)
    if (sent === undefined) return
    latencies.recordMs(performance.now() - sent)
    deliveries++
  }
  const subscribers = await connectAll(relayUrl, load.subscribers)
  await Promise.all(subscribers.map((socket) => socket.subscribe({ kinds: [KIND], limit: 0 }, onEvent)))
  const publisher = await BenchSocket.connect(relayUrl)
  const events = makeEvents(load.events)
  const startedMs = performance.now()
  await publishAll(publisher, events, load, sentMs, () => onProgress(deliveries))
  const expected = load.events * load.subscribers
  await until(() => deliveries >= expected, {
    deadlineMs: DELIVERY_DEADLINE_MS,
    what: `${expected} deliveries`,
  })
  const seconds = (performance.now() - startedMs) / 1000
  for (const socket of [publisher, ...subscribers]) socket.close()
  return {
    ...load,
    deliveries,
    deliveriesPerSecond: deliveries / seconds,
    deliveryMs: latencies.percentiles(),
  }
}

async function connectAll(relayUrl: string, count: number): Promise<BenchSocket[]> {
  const sockets: BenchSocket[] = []
  while (sockets.length < count) {
    const some = Math.min(CONNECTS_AT_ONCE, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => BenchSocket.connect(relayUrl)))))
  }
  return sockets
}

function makeEvents(count: number): readonly SignedEvent[] {
  const key = testKey('bench fanout')
  const run = `${Date.now()}`
  return Array.from({ length: count }, (_, i) =>
    sign({ kind: KIND, content: `${run} ${i}: a short live note` }, key),
  )
}

async function publishAll(
  publisher: BenchSocket,
  events: readonly SignedEvent[],
  { eventsPerSecond }: FanoutLoad,
  sentMs: Map<string, number>,
  onPublished: () => void,
): Promise<void> {
  let next = 0
  const startedMs = performance.now()
  const inTurn = async () => {
    for (let at = next++; at < events.length; at = next++) {
      const event = events[at] as SignedEvent
      if (eventsPerSecond !== null)
        await delayMs(Math.max(0, startedMs + (at * 1000) / eventsPerSecond - performance.now()))
      sentMs.set(event.id, performance.now())
      if (!(await publisher.publish(event.id, eventJson(event))))
        throw new Error('the relay refused a live event')
      onPublished()
    }
  }
  await Promise.all(Array.from({ length: eventsPerSecond === null ? WINDOW : 1 }, inTurn))
}
