import type { NostrEvent } from '@millrace/nostr'
import { BenchSocket } from '../client/bench-socket.ts'
import { Latencies, type Percentiles } from '../latency.ts'

/** One kind of REQ that clients send all the time. */
export interface RequestShape {
  readonly name: string
  /** The filter of the n-th request. */
  readonly filter: (n: number) => Record<string, unknown>
}

export interface RequestResult {
  readonly shape: string
  readonly connections: number
  readonly requestsPerSecond: number
  readonly eventsPerRequest: number
  /** From REQ to the first frame of its answer, milliseconds. */
  readonly firstFrameMs: Percentiles
  readonly eoseMs: Percentiles
}

/** Shapes with values that occur in the events; neighbouring requests differ, so that no cache answers for the store. */
export function shapesOver(events: readonly NostrEvent[]): readonly RequestShape[] {
  const notes = events.filter(({ kind }) => kind === 1)
  const authors = [...new Set(notes.map(({ pubkey }) => pubkey))]
  const roots = [
    ...new Set(
      events.flatMap(({ tags }) => tags.filter(([name]) => name === 'e').map((tag) => tag[1] ?? '')),
    ),
  ]
  const topics = [
    ...new Set(notes.flatMap(({ tags }) => tags.filter(([name]) => name === 't').map((tag) => tag[1] ?? ''))),
  ]
  const some = <T>(list: readonly T[], n: number, count: number): T[] =>
    Array.from({ length: Math.min(count, list.length) }, (_, i) => list[(n * 31 + i * 7) % list.length] as T)
  return [
    {
      name: 'feed: 10 authors, notes, limit 50',
      filter: (n) => ({ authors: some(authors, n, 10), kinds: [1], limit: 50 }),
    },
    { name: 'one author, latest 50', filter: (n) => ({ authors: some(authors, n, 1), limit: 50 }) },
    { name: '20 ids', filter: (n) => ({ ids: some(notes, n, 20).map(({ id }) => id) }) },
    { name: 'thread: #e of one note', filter: (n) => ({ '#e': some(roots, n, 1) }) },
    { name: 'hashtag, limit 50', filter: (n) => ({ kinds: [1], '#t': some(topics, n, 1), limit: 50 }) },
    {
      name: 'profiles of 20 authors',
      filter: (n) => ({ kinds: [0], authors: some(authors, n, 20) }),
    },
    {
      name: 'global: notes since, limit 500',
      filter: (n) => ({ kinds: [1], since: some(notes, n, 1)[0]?.created_at ?? 0, limit: 500 }),
    },
  ]
}

/** Every connection sends one REQ after the other until the time is over. */
export async function measureRequests(
  relayUrl: string,
  shape: RequestShape,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<RequestResult> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => BenchSocket.connect(relayUrl)))
  const [firstFrame, eose] = [new Latencies(), new Latencies()]
  let [requests, events] = [0, 0]
  const startedMs = performance.now()
  const endMs = startedMs + seconds * 1000
  await Promise.all(
    sockets.map(async (socket, at) => {
      for (let n = at; performance.now() < endMs; n += connections) {
        const times = await socket.request(shape.filter(n))
        firstFrame.recordMs(times.firstFrameMs)
        eose.recordMs(times.eoseMs)
        requests++
        events += times.events
      }
    }),
  )
  const elapsedS = (performance.now() - startedMs) / 1000
  for (const socket of sockets) socket.close()
  return {
    shape: shape.name,
    connections,
    requestsPerSecond: requests / elapsedS,
    eventsPerRequest: requests === 0 ? 0 : events / requests,
    firstFrameMs: firstFrame.percentiles(),
    eoseMs: eose.percentiles(),
  }
}
