import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.mjs'

/** A Unix socket's path is cut at 108 bytes on Linux, 104 on macOS. */
const SOCKET_PATH_BYTES_MAX = 100
const BODY_BYTES_MAX = 64 * 1024

/** @param {string} dataDir */
export const controlPointer = (dataDir) => join(dataDir, 'run', 'control.json')

/** @param {string} dataDir */
function socketPath(dataDir) {
  const path = join(dataDir, 'run', 'control.sock')
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX
    ? path
    : join(tmpdir(), `millrace-${process.pid}.sock`)
}

/**
 * Serves the stack's control socket: HTTP with JSON over a Unix socket that only its owner may open.
 *   GET /status · POST /edges {port?} · DELETE /edges/<id> · POST /parts/<name>/{start,stop,restart}
 * A refusal is {"error": "..."} with status 400, 404 or 409.
 * @param {import('./stack.mjs').Stack} stack
 * @returns {Promise<{ close: () => Promise<void> }>}
 */
export async function serveControl(stack) {
  const { dataDir } = stack.settings
  mkdirSync(join(dataDir, 'run'), { recursive: true })
  const socket = socketPath(dataDir)
  rmSync(socket, { force: true })
  const server = createServer((request, response) => {
    void answer(stack, request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify(body)}\n`)
    })
  })
  const umask = process.umask(0o177)
  try {
    await /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(socket, resolve)
      })
    )
  } finally {
    process.umask(umask)
  }
  writeFileSync(controlPointer(dataDir), `${JSON.stringify({ socket, pid: process.pid })}\n`)
  return {
    close: () =>
      new Promise((resolve) => {
        rmSync(controlPointer(dataDir), { force: true })
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * @param {import('./stack.mjs').Stack} stack
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<{ status: number, body: unknown }>}
 */
async function answer(stack, request) {
  try {
    const route = `${request.method} ${(request.url ?? '/').split('?')[0]}`
    if (route === 'GET /status') return { status: 200, body: stack.status() }
    if (route === 'POST /edges')
      return { status: 201, body: await stack.addEdge(portOf(await readBody(request))) }
    const edge = /^DELETE \/edges\/([^/]+)$/.exec(route)?.[1]
    if (edge !== undefined) {
      await stack.removeEdge(decodeURIComponent(edge))
      return { status: 200, body: { id: edge } }
    }
    const [, name, action] = /^POST \/parts\/([^/]+)\/(start|stop|restart)$/.exec(route) ?? []
    if (name === undefined) return { status: 404, body: { error: `there is no ${route}` } }
    const part = stack.part(decodeURIComponent(name))
    if (action !== 'start') await part.stop()
    if (action !== 'stop') await part.start()
    return { status: 200, body: part.status() }
  } catch (error) {
    const refused = error instanceof OperatorError
    return { status: refused ? 409 : 500, body: { error: /** @type {Error} */ (error).message } }
  }
}

/** @param {import('node:http').IncomingMessage} request @returns {Promise<any>} */
async function readBody(request) {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > BODY_BYTES_MAX) throw new OperatorError('the request is too large')
  }
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    throw new OperatorError('the request is not JSON')
  }
}

/** @param {any} body @returns {number | undefined} */
function portOf(body) {
  const port = body?.port
  if (port === undefined || port === null) return undefined
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new OperatorError('port must be a whole number from 1 to 65535')
  return port
}
