import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts, startStack } from '@millrace/infra-local'
import { type Control, controlOf, type PartInfo, partsOf } from './control.ts'

/** What is measured. */
export interface Target {
  readonly relayUrl: string
  /** How it was started, for the report. */
  readonly description: string
  /** Null for a relay of which only the address is known: no memory, no sink then. */
  readonly control: Control | null
  /** Whether parts of it may be stopped and started. */
  readonly isOwn: boolean
  stop(): Promise<void>
}

/** A stack of its own in a temporary folder, removed afterwards. */
export async function startOwn(onLine: (line: string) => void): Promise<Target> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const [relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp] = await freePorts(6)
  const ports = { relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp }
  try {
    const stack = await startStack({ dataDir, ports, onOutput: onLine })
    return {
      relayUrl: `ws://127.0.0.1:${relay}`,
      description: 'own stack, defaults of npm start',
      control: stack.control,
      isOwn: true,
      stop: async () => {
        await stack.stop()
        await rm(dataDir, { recursive: true, force: true })
      },
    }
  } catch (cause) {
    await rm(dataDir, { recursive: true, force: true })
    throw cause
  }
}

/** The stack that runs in a data folder; nothing of it is stopped, and what is published stays in it. */
export async function useRunning(dataDir: string): Promise<Target> {
  const control = controlOf(resolve(dataDir))
  const edge = (await partsOf(control)).find(({ name }) => name === 'edge-1')
  if (edge?.address === null || edge === undefined) throw new Error(`no relay runs in ${dataDir}`)
  return {
    relayUrl: edge.address,
    description: 'a running stack',
    control,
    isOwn: false,
    stop: async () => {},
  }
}

/** A relay known by its address alone. */
export const useRelay = (relayUrl: string): Target => ({
  relayUrl,
  description: 'a relay by its address',
  control: null,
  isOwn: false,
  stop: async () => {},
})

export async function partNamed(control: Control, name: string): Promise<PartInfo> {
  const part = (await partsOf(control)).find((candidate) => candidate.name === name)
  if (part === undefined) throw new Error(`the stack has no part ${name}`)
  return part
}
