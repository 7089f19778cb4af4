import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'

/** One process of a stack, as its supervisor shows it. */
export interface PartInfo {
  readonly name: string
  readonly state: string
  readonly pid: number | null
  readonly address: string | null
  readonly opsUrl: string | null
}

export type Control = (method: 'GET' | 'POST', path: string) => Promise<unknown>

/** The control socket of the stack that runs in a data folder; throws when none does. */
export function controlOf(dataDir: string): Control {
  const { socket: socketPath } = JSON.parse(readFileSync(join(dataDir, 'run', 'control.json'), 'utf8')) as {
    socket: string
  }
  return (method, path) =>
    new Promise((resolve, reject) => {
      // A connection of its own: one kept open is closed by the other side while a long run is checked.
      const call = request({ socketPath, method, path, agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => {
          const answer: unknown = JSON.parse(text)
          if (response.statusCode !== undefined && response.statusCode < 300) resolve(answer)
          else reject(new Error(String((answer as { error?: unknown }).error)))
        })
      })
      call.on('error', reject)
      call.end()
    })
}

export const partsOf = async (control: Control): Promise<readonly PartInfo[]> =>
  ((await control('GET', '/status')) as { parts: PartInfo[] }).parts

export async function partNamed(control: Control, name: string): Promise<PartInfo> {
  const part = (await partsOf(control)).find((candidate) => candidate.name === name)
  if (part === undefined) throw new Error(`the stack has no part ${name}`)
  return part
}
