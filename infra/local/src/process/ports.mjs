import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { OperatorError } from '../operator-error.mjs'

/**
 * Tries to listen on the port.
 * @param {number} port 0 takes any free one
 * @param {string} [host]
 * @returns {Promise<{ free: true, port: number } | { free: false, code: string }>}
 */
function tryListen(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) =>
      resolve({ free: false, code: /** @type {NodeJS.ErrnoException} */ (error).code ?? 'EUNKNOWN' }),
    )
    server.listen({ port, host, exclusive: true }, () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve({ free: true, port: address.port }))
    })
  })
}

/**
 * Whether a server could listen there now.
 * @param {number} port @param {string} [host]
 */
export async function isPortFree(port, host) {
  return (await tryListen(port, host)).free
}

/** Ports given out by this process: asking twice before the first is used must not answer the same one. */
const given = new Set()
const FREE_PORT_MIN = 12_000
const ATTEMPTS_MAX = 500

/**
 * The first port the system hands out for outgoing connections. Servers must stay below: while one is down, a client
 * that reconnects could be given its port, and even connect to itself.
 */
function firstEphemeralPort() {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0])
  } catch {
    return 32_768
  }
}

/**
 * Distinct ports on 127.0.0.1 that nothing listens on and no outgoing connection gets. Another process may still take
 * one before it is used.
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const end = Math.max(FREE_PORT_MIN + 1000, firstEphemeralPort())
  /** @type {number[]} */
  const ports = []
  for (let attempt = 0; attempt < ATTEMPTS_MAX * count && ports.length < count; attempt++) {
    const port = randomInt(FREE_PORT_MIN, end)
    if (given.has(port) || !(await isPortFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  if (ports.length < count) throw new Error(`no ${count} free ports on 127.0.0.1`)
  return ports
}

/**
 * The process listening on a port, on Linux and as far as permissions show it.
 * @param {number} port
 * @returns {{ pid: number, command: string } | null}
 */
export function portHolder(port) {
  try {
    const inodes = listeningInodes(port)
    if (inodes.size === 0) return null
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      if (holdsSocket(pid, inodes)) return { pid: Number(pid), command: commandOf(pid) }
  } catch {
    // No /proc here: the port is taken all the same, only by whom stays unknown.
  }
  return null
}

/** @param {number} port @returns {Set<string>} */
function listeningInodes(port) {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = new Set()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      if (fields[1]?.endsWith(suffix) && fields[3] === '0A') inodes.add(`socket:[${fields[9]}]`)
    }
  return inodes
}

/** @param {string} pid @param {Set<string>} inodes */
function holdsSocket(pid, inodes) {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`)))
  } catch {
    return false
  }
}

/** @param {string} pid */
function commandOf(pid) {
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  return command.length > 80 ? `${command.slice(0, 77)}...` : command
}

/**
 * Fails with a message that names the port, who holds it and what moves it.
 * @param {number} port
 * @param {{ host?: string, usedFor: string, variable: string }} what
 */
export async function assertPortFree(port, { host = '127.0.0.1', usedFor, variable }) {
  const tried = await tryListen(port, host)
  if (tried.free) return
  if (tried.code !== 'EADDRINUSE')
    throw new OperatorError(
      `cannot listen on ${host}:${port} for ${usedFor} (${tried.code}); ${variable} moves it`,
    )
  const holder = portHolder(port)
  const by = holder === null ? 'another process' : `pid ${holder.pid} (${holder.command})`
  throw new OperatorError(`port ${port} for ${usedFor} is taken by ${by}; set ${variable} to another port`)
}
