import type { ChildProcess } from 'node:child_process'

interface Handle {
  close(): void
}

/** How node:cluster hands a connection over, and how the worker says that it has it (lib/internal/cluster, Node 24). */
interface ClusterMessage {
  readonly cmd?: unknown
  readonly act?: unknown
  readonly seq?: unknown
  readonly ack?: unknown
}

/**
 * Connections that were handed to a worker and not taken by it yet. node:cluster forgets those of a worker that ends in that moment and leaves
 * them open, so that their clients wait for ever; `close` ends them, and the clients come back.
 */
export class HandedSockets {
  readonly #handles = new Map<unknown, Handle>()

  constructor(process: ChildProcess) {
    const send = process.send.bind(process) as (...parts: readonly unknown[]) => boolean
    process.send = ((message: ClusterMessage, handle?: unknown, ...rest: readonly unknown[]) => {
      if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && isHandle(handle))
        this.#handles.set(message.seq, handle)
      return send(message, handle, ...rest)
    }) as typeof process.send
    process.on('internalMessage' as 'message', (message) => {
      const { cmd, ack } = message as ClusterMessage
      if (cmd === 'NODE_CLUSTER' && ack !== undefined) this.#handles.delete(ack)
    })
  }

  close(): void {
    for (const handle of this.#handles.values()) handle.close()
    this.#handles.clear()
  }
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
