import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FaultError, fatal } from '@millrace/kernel'
import type { Express } from 'express'

export interface ApiServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly connectionsMax: number
  readonly requestTimeoutMs: number
}

export interface ApiServer {
  readonly port: number
  /** Takes no new requests, finishes those under way within a bounded time. */
  close(): Promise<void>
}

/** URL and headers together; longer ones are refused by node with 431. */
const HEADER_BYTES_MAX = 64 * 1024
const KEEP_ALIVE_MS = 5_000
const CLOSE_TIMEOUT_MS = 5_000

/** Serves an app on one port. Throws FaultError configuration-invalid when it cannot listen there. */
export async function startApiServer(app: Express, options: ApiServerOptions): Promise<ApiServer> {
  const { host, port, connectionsMax, requestTimeoutMs } = options
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    app,
  )
  server.maxConnections = connectionsMax
  // A reader that takes nothing for this long is cut off.
  server.timeout = 2 * requestTimeoutMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new FaultError(
          fatal('configuration-invalid', `cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`),
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  return { port: (server.address() as AddressInfo).port, close: closing(server) }
}

/** Connections without a request, such as those that clients open ahead of need, are not waited for. */
function closing(server: Server): () => Promise<void> {
  let underWay = 0
  let isClosing = false
  server.on('request', (_, response) => {
    underWay++
    response.once('close', () => {
      underWay--
      if (isClosing && underWay === 0) server.closeAllConnections()
    })
  })
  return () =>
    new Promise((resolve) => {
      isClosing = true
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS)
      server.close(() => {
        clearTimeout(timer)
        resolve()
      })
      if (underWay === 0) server.closeAllConnections()
    })
}
