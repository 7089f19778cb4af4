import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { CommandFailure } from '../terminal/exit.ts'

/** One process under the supervisor. */
export interface StackPart {
  readonly name: string
  readonly state: string
  readonly pid: number | null
  readonly restarts: number
  readonly address: string | null
  /** Where it serves /ready and /metrics. */
  readonly opsUrl: string | null
}

/** Longest wait for an answer, milliseconds: a new edge is answered for once it is ready. */
const ANSWER_TIMEOUT_MS = 60_000

/** The supervisor's socket for this data folder; null when no stack has run there. */
export function controlSocketPath(dataDir: string): string | null {
  const run = join(dataDir, 'run')
  const pointer = join(run, 'control.json')
  if (existsSync(pointer)) {
    const { socket } = JSON.parse(readFileSync(pointer, 'utf8')) as { socket?: unknown }
    if (typeof socket === 'string' && existsSync(socket)) return socket
  }
  const socket = join(run, 'control.sock')
  return existsSync(socket) ? socket : null
}

/** Speaks to the supervisor that `npm start` runs: HTTP over a Unix socket. */
export class ControlSocket {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** The parsed answer; a CommandFailure with the supervisor's own words when it refuses or is away. */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body)
      const call = request(
        {
          socketPath: this.#socketPath,
          method,
          path,
          timeout: ANSWER_TIMEOUT_MS,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const answer = parse(Buffer.concat(chunks).toString('utf8'))
            const status = response.statusCode ?? 0
            if (status >= 200 && status < 300) resolve(answer)
            else reject(new CommandFailure(refusalOf(answer, status)))
          })
        },
      )
      call.on('timeout', () => call.destroy(new CommandFailure('the supervisor did not answer in time')))
      call.on('error', (cause: NodeJS.ErrnoException) =>
        reject(cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT' ? notRunning() : cause),
      )
      call.end(text)
    })
  }
}

/** The control socket of a running stack, or a CommandFailure that says how to start one. */
export function controlSocket(dataDir: string): ControlSocket {
  const path = controlSocketPath(dataDir)
  if (path === null) throw notRunning()
  return new ControlSocket(path)
}

const notRunning = (): CommandFailure =>
  new CommandFailure(
    'no local stack is running here: start one with `npm start`, or set MILLRACE_DATA to its folder',
  )

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    return { error: text.slice(0, 200) }
  }
}

const refusalOf = (answer: unknown, status: number): string => {
  const error = (answer as { error?: unknown } | null)?.error
  return typeof error === 'string' ? error : `the supervisor answered ${status}`
}

/** The processes of the stack, in the order they start. */
export async function readParts(socket: ControlSocket): Promise<readonly StackPart[]> {
  const { parts } = (await socket.call('GET', '/status')) as { parts?: Partial<StackPart>[] }
  return (parts ?? []).map((part) => ({
    name: part.name ?? '',
    state: part.state ?? 'unknown',
    pid: part.pid ?? null,
    restarts: part.restarts ?? 0,
    address: part.address ?? null,
    opsUrl: part.opsUrl ?? null,
  }))
}
