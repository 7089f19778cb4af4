import { FaultError, transient } from '@millrace/kernel'

/** The times of one request, as the deletion consumer's ledger has them; milliseconds since the Unix epoch. */
export interface LedgerRequest {
  readonly requestId: string
  readonly author: string
  readonly kind: number
  readonly receivedAtMs: number
  readonly tombstonedAtMs: number | null
  readonly erasedEvents: number
  readonly stages: Readonly<Record<string, number | null>>
  readonly waitingFor: readonly string[]
}

export interface LedgerReport {
  readonly requests: readonly LedgerRequest[]
  readonly tombstones: readonly {
    readonly requestId: string
    readonly reason: string
    readonly recordedAtMs: number
  }[]
}

const TIMEOUT_MS = 10_000

/** Asks every deletion consumer; each knows the requests of its partitions. Throws FaultError(kafka-unavailable) when one is away. */
export async function readLedger(urls: readonly string[], name: string): Promise<LedgerReport> {
  const reports = await Promise.all(urls.map((url) => readOne(url, name)))
  const requests = new Map<string, LedgerRequest>()
  for (const report of reports)
    for (const request of report.requests) requests.set(request.requestId, request)
  const tombstones = new Map(
    reports.flatMap((report) =>
      report.tombstones.map((tombstone) => [tombstone.requestId, tombstone] as const),
    ),
  )
  return { requests: [...requests.values()], tombstones: [...tombstones.values()] }
}

async function readOne(url: string, name: string): Promise<LedgerReport> {
  try {
    const response = await fetch(new URL(`/erasures/${name}`, url), {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok) throw new Error(`it answers ${response.status}`)
    return (await response.json()) as LedgerReport
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new FaultError(
      transient(
        'timeout',
        `the deletion consumer at ${url} does not answer (${why}); DELETION_URLS names them`,
      ),
    )
  }
}
