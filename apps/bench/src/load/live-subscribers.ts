import { eventKeyIn, isFor } from '../client/relay-message.ts'
import { READ_BYTES_IDLE, RelaySocket } from '../client/relay-socket.ts'
import { textFrame } from '../client/text-frame.ts'
import type { BenchFilter } from '../oracle/filter.ts'

/** Connections opened at once: a relay's accept queue is not what is measured. */
const CONNECTS_AT_ONCE = 50
const SUBSCRIPTION = 'live'

/** Called for an event of a live subscription: which subscriber, the event's key, when it was read (performance.now()). */
export type OnDelivery = (subscriber: number, key: number, nowMs: number) => void

/** Opens one connection per filter, with one live subscription each; resolves when all have their EOSE. */
export async function subscribeAll(
  url: string,
  filters: readonly BenchFilter[],
  onDelivery: OnDelivery,
  onEnd: (cause: Error) => void,
): Promise<readonly RelaySocket[]> {
  const sockets: RelaySocket[] = []
  while (sockets.length < filters.length) {
    const first = sockets.length
    const some = filters.slice(first, first + CONNECTS_AT_ONCE)
    sockets.push(
      ...(await Promise.all(
        some.map((filter, at) => subscribe(url, filter, { subscriber: first + at, onDelivery, onEnd })),
      )),
    )
  }
  return sockets
}

interface Subscriber {
  readonly subscriber: number
  readonly onDelivery: OnDelivery
  readonly onEnd: (cause: Error) => void
}

async function subscribe(
  url: string,
  filter: BenchFilter,
  { subscriber, onDelivery, onEnd }: Subscriber,
): Promise<RelaySocket> {
  const name = Buffer.from(SUBSCRIPTION)
  const ready = Promise.withResolvers<void>()
  // A connection may break before anybody waits for its EOSE.
  ready.promise.catch(() => {})
  let readMs = 0
  const fail = (cause: Error) => {
    ready.reject(cause)
    onEnd(cause)
  }
  const socket = await RelaySocket.connect(
    url,
    {
      onMessage: (verb, bytes, start, end) => {
        if (!isFor(bytes, start, verb, name)) return
        if (verb === 'EOSE') return ready.resolve()
        if (verb === 'CLOSED') return fail(new Error(`live: ${bytes.toString('utf8', start, end)}`))
        if (verb !== 'EVENT') return
        if (readMs === 0) readMs = performance.now()
        onDelivery(subscriber, eventKeyIn(bytes, start, end), readMs)
      },
      onRead: () => {
        readMs = 0
      },
      onEnd: fail,
    },
    READ_BYTES_IDLE * 4,
  )
  socket.write(textFrame(JSON.stringify(['REQ', SUBSCRIPTION, filter])))
  await ready.promise
  return socket
}
