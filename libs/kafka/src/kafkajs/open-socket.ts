import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

interface SocketRequest {
  readonly host: string
  readonly port: number
  readonly ssl: object | null
  readonly onConnect: () => void
}

const KEEP_ALIVE_MS = 30_000

/** A socket to a broker, without Nagle's delay: small requests of several parts of the process share a connection. */
export function openSocket({ host, port, ssl, onConnect }: SocketRequest): Socket {
  const socket = ssl
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect)
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
}
