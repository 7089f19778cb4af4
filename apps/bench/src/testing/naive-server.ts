import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type NaiveFilter, NaiveRelay, type SignedEvent } from '@millrace/testkit'
import { type WebSocket, WebSocketServer } from 'ws'

/** How a relay may be wrong, or different: what goes out is given the chance to be changed. */
export interface Twists {
  /** Changes a stored answer. */
  readonly answer?: (events: SignedEvent[], filters: readonly NaiveFilter[]) => SignedEvent[]
  /** Keeps a live event from a subscriber. */
  readonly isLost?: (event: SignedEvent) => boolean
  /** Refuses an event with these words. */
  readonly refusal?: (event: SignedEvent) => string | null
  /** Writes every message in its own way. */
  readonly stringify?: (message: unknown) => string
}

export interface NaiveServer {
  readonly url: string
  readonly relay: NaiveRelay
  close(): void
}

/** testkit's naive relay behind a WebSocket: slow, and right unless it is told to be wrong. */
export async function startNaiveServer(twists: Twists = {}): Promise<NaiveServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  const relay = new NaiveRelay()
  const live = new Map<WebSocket, Map<string, readonly NaiveFilter[]>>()
  const stringify = twists.stringify ?? ((message: unknown) => JSON.stringify(message))
  const nowS = () => Math.floor(Date.now() / 1000)

  function publish(socket: WebSocket, event: SignedEvent): void {
    const refusal = twists.refusal?.(event) ?? null
    const verdict = refusal === null ? relay.admit(event, nowS()) : 'refused'
    const words = refusal ?? (verdict === 'stored' ? '' : `duplicate: ${verdict}`)
    const isAccepted = verdict === 'stored' || verdict === 'duplicate'
    socket.send(stringify(['OK', event.id, isAccepted, words]))
    if (verdict !== 'stored' || twists.isLost?.(event) === true) return
    for (const [subscriber, subscriptions] of live)
      for (const [name, filters] of subscriptions)
        if (relay.goesTo(event, filters)) subscriber.send(stringify(['EVENT', name, event]))
  }

  function request(socket: WebSocket, name: string, filters: readonly NaiveFilter[]): void {
    const answer = relay.query(filters, nowS())
    for (const event of twists.answer?.(answer, filters) ?? answer)
      socket.send(stringify(['EVENT', name, event]))
    socket.send(stringify(['EOSE', name]))
    live.get(socket)?.set(name, filters)
  }

  server.on('connection', (socket) => {
    live.set(socket, new Map())
    socket.on('close', () => live.delete(socket))
    socket.on('message', (data) => {
      const [verb, first, ...rest] = JSON.parse(String(data)) as [string, never, ...NaiveFilter[]]
      if (verb === 'EVENT') publish(socket, first)
      if (verb === 'REQ') request(socket, first, rest)
      if (verb === 'CLOSE') live.get(socket)?.delete(first)
    })
  })
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    relay,
    close: () => {
      for (const socket of server.clients) socket.terminate()
      server.close()
    },
  }
}
