import { eventKeyIn } from './relay-message.ts'
import { RelaySocket } from './relay-socket.ts'
import { textFrame } from './text-frame.ts'

const SUBSCRIPTION = 'ask'
const TIMEOUT_MS = 30_000

/** The keys of the events that one REQ is answered with; for questions beside the measuring. */
export async function ask(url: string, filter: object): Promise<readonly number[]> {
  const keys: number[] = []
  const ended = Promise.withResolvers<void>()
  // A connection may break before anybody waits for the end.
  ended.promise.catch(() => {})
  const socket = await RelaySocket.connect(url, {
    onMessage: (verb, bytes, start, end) => {
      if (verb === 'EVENT') keys.push(eventKeyIn(bytes, start, end))
      if (verb === 'EOSE') ended.resolve()
      if (verb === 'CLOSED') ended.reject(new Error(bytes.toString('utf8', start, end)))
    },
    onEnd: (cause) => ended.reject(cause),
  })
  const timer = setTimeout(() => ended.reject(new Error(`${url} does not answer a REQ`)), TIMEOUT_MS)
  socket.write(textFrame(JSON.stringify(['REQ', SUBSCRIPTION, filter])))
  try {
    await ended.promise
  } finally {
    clearTimeout(timer)
    socket.close()
  }
  return keys
}
