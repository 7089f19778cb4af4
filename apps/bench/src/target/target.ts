import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts, startStack } from '@millrace/infra-local'
import { type Control, controlOf, partsOf } from './control.ts'
import { type NamedProcess, withChildren } from './processes.ts'

/** A relay that is measured. */
export interface Target {
  readonly name: string
  readonly url: string
  /** What its OK stands for, for the report. */
  readonly durability: string
  /** All its processes at the moment; empty when they are not known. */
  readonly processes: () => Promise<readonly NamedProcess[]>
  /** Those of them that hold connections. */
  readonly edges: () => Promise<readonly NamedProcess[]>
  /** Null for a relay that is no stack of ours. */
  readonly control: Control | null
  /** Whether parts of it may be stopped and started. */
  readonly isOwn: boolean
  /** Whether it only pretends to be a relay (ceiling/): it holds nothing, and its answers are not checked. */
  readonly isHollow?: boolean
  stop(): Promise<void>
}

/** Words given on the command line instead of our own. */
export interface Labels {
  readonly name?: string | undefined
  readonly durability?: string | undefined
}

const OWN_DURABILITY =
  process.env['DURABILITY'] === 'process'
    ? 'in the page cache before OK (DURABILITY=process)'
    : 'fsync before OK'

/** A stack of its own in a temporary folder, removed afterwards. */
export async function startOwn(labels: Labels): Promise<Target> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const [relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp] = await freePorts(6)
  const ports = { relay, api, kafka, kafkaController, clickHouseHttp, clickHouseTcp }
  try {
    const stack = await startStack({ dataDir, ports })
    return {
      name: labels.name ?? 'own stack',
      url: `ws://127.0.0.1:${relay}`,
      durability: labels.durability ?? OWN_DURABILITY,
      ...processesOf(stack.control),
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
export async function useRunning(dataDir: string, labels: Labels): Promise<Target> {
  const control = controlOf(resolve(dataDir))
  const edge = (await partsOf(control)).find(({ name }) => name === 'edge-1')
  if (edge?.address === null || edge === undefined) throw new Error(`no relay runs in ${dataDir}`)
  return {
    name: labels.name ?? 'running stack',
    url: edge.address,
    durability: labels.durability ?? 'as it was started',
    ...processesOf(control),
    control,
    isOwn: false,
    stop: async () => {},
  }
}

/** Any relay by its address; the processes that are to be watched are given as pids. */
export function useRelay(url: string, labels: Labels & { readonly pids: readonly number[] }): Target {
  const roots = labels.pids.map((pid) => ({ name: `pid ${pid}`, pid }))
  const processes = () => Promise.resolve(withChildren(roots))
  return {
    name: labels.name ?? url,
    url,
    durability: labels.durability ?? 'not stated',
    processes,
    edges: processes,
    control: null,
    isOwn: false,
    stop: async () => {},
  }
}

function processesOf(control: Control): Pick<Target, 'processes' | 'edges'> {
  const parts = async (isWanted: (name: string) => boolean) =>
    withChildren(
      (await partsOf(control)).flatMap(({ name, pid }) =>
        pid === null || !isWanted(name) ? [] : [{ name, pid }],
      ),
    )
  return { processes: () => parts(() => true), edges: () => parts((name) => name.startsWith('edge-')) }
}
