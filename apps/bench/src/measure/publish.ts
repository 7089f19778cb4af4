import { eventJson, type NostrEvent } from '@millrace/nostr'
import { BenchSocket } from '../client/bench-socket.ts'
import { Latencies, type Percentiles } from '../latency.ts'

export interface PublishLoad {
  readonly connections: number
  /** EVENTs of one connection that await their OK. */
  readonly window: number
}

export interface PublishResult extends PublishLoad {
  readonly accepted: number
  readonly refused: number
  readonly eventsPerSecond: number
  /** From sending an EVENT to its OK, milliseconds. */
  readonly ackMs: Percentiles
}

interface Frame {
  readonly id: string
  readonly json: string
}

/** Publishes the events over some connections, each with a window of its own; ends when all have their OK. */
export async function measurePublish(
  relayUrl: string,
  load: PublishLoad,
  events: readonly NostrEvent[],
  onProgress: (done: number) => void,
): Promise<PublishResult> {
  const frames: Frame[] = events.map((event) => ({ id: event.id, json: eventJson(event) }))
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, () => BenchSocket.connect(relayUrl)),
  )
  const latencies = new Latencies()
  let [next, accepted, refused] = [0, 0, 0]
  const publishInTurn = async (socket: BenchSocket): Promise<void> => {
    for (let frame = frames[next++]; frame !== undefined; frame = frames[next++]) {
      const sentMs = performance.now()
      const isAccepted = await socket.publish(frame.id, frame.json)
      latencies.recordMs(performance.now() - sentMs)
      if (isAccepted) accepted++
      else refused++
      onProgress(accepted + refused)
    }
  }
  const startedMs = performance.now()
  await Promise.all(
    sockets.flatMap((socket) => Array.from({ length: load.window }, () => publishInTurn(socket))),
  )
  const seconds = (performance.now() - startedMs) / 1000
  for (const socket of sockets) socket.close()
  return { ...load, accepted, refused, eventsPerSecond: accepted / seconds, ackMs: latencies.percentiles() }
}
