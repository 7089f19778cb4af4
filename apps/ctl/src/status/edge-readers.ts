import { TOPICS } from '@millrace/topics'
import type { StackPart } from '../stack/control-socket.ts'
import type { PartitionEnds } from './log-status.ts'
import type { Reader } from './readers.ts'

/** An edge owns its group alone and commits nothing: how far its live reader is, only its metrics tell. */
const METRIC = 'relay_live_lag_records'
const SAMPLE = /^relay_live_lag_records\{[^}]*partition="(\d+)"[^}]*\} (\S+)$/gm
const TIMEOUT_MS = 2_000

/** The live readers of the local stack's edges, from their /metrics; one that does not answer is a problem. */
export async function readEdgeReaders(
  parts: readonly StackPart[],
  ends: ReadonlyMap<string, PartitionEnds>,
  problems: string[],
): Promise<readonly Reader[]> {
  const edges = parts.filter(({ name, state }) => name.startsWith('edge-') && state === 'ready')
  const readers = await Promise.all(edges.map((edge) => readEdge(edge, ends, problems)))
  return readers.filter((reader) => reader !== null)
}

async function readEdge(
  { name, opsUrl }: StackPart,
  ends: ReadonlyMap<string, PartitionEnds>,
  problems: string[],
): Promise<Reader | null> {
  try {
    const response = await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    return {
      name: `fanout.${name}`,
      topic: TOPICS.events,
      by: 'metrics',
      positions: positionsOf(await response.text(), ends),
    }
  } catch {
    problems.push(`${name} does not answer ${opsUrl}/metrics, so ${METRIC} is not known`)
    return null
  }
}

export function positionsOf(page: string, ends: ReadonlyMap<string, PartitionEnds>): Reader['positions'] {
  // An edge of several processes has a lag for each: the slowest tells where the edge is.
  const lags = new Map<string, number>()
  for (const [, partition = '', lag] of page.matchAll(SAMPLE))
    lags.set(partition, Math.max(lags.get(partition) ?? 0, Number(lag)))
  return [...lags].flatMap(([partition, lag]) => {
    const end = ends.get(`${TOPICS.events}:${partition}`)?.end
    return end === undefined
      ? []
      : [{ topic: TOPICS.events, partition: Number(partition), offset: Math.max(0, end - lag) }]
  })
}
