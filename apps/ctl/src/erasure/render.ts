import type { VerificationReport } from '@millrace/erasure'
import { renderTable } from '../terminal/table.ts'
import type { LedgerReport, LedgerRequest } from './ledger.ts'

const STAGE_TITLES: Readonly<Record<string, string>> = {
  edges: 'hidden by every edge',
  view: 'out of every serving view',
  clickhouseLogical: 'hidden by ClickHouse',
  clickhousePhysical: 'deleted in ClickHouse',
  log: 'compacted out of the log',
}

/** What the ledger says, one paragraph a request. */
export function renderLedger({ requests, tombstones }: LedgerReport): string {
  const lines = requests.map(renderRequest)
  if (requests.length === 0)
    for (const { reason, recordedAtMs, requestId } of tombstones)
      lines.push(`tombstone of ${timeOf(recordedAtMs)}: ${reason}, request ${requestId}\n`)
  return lines.length === 0 ? 'no request and no tombstone names it\n' : lines.join('\n')
}

function renderRequest(request: LedgerRequest): string {
  const { requestId, kind, author, receivedAtMs, tombstonedAtMs, erasedEvents, stages, waitingFor } = request
  const rows: { stage: string; atMs: number | null }[] = [
    { stage: 'in the log', atMs: receivedAtMs },
    { stage: 'tombstones in the log', atMs: tombstonedAtMs },
    ...Object.entries(STAGE_TITLES).map(([stage, title]) => ({ stage: title, atMs: stages[stage] ?? null })),
  ]
  const table = renderTable(
    [
      { title: 'stage', of: ({ stage }) => stage },
      { title: 'at', of: ({ atMs }) => (atMs === null ? 'not yet' : timeOf(atMs)) },
      {
        title: 'after',
        of: ({ atMs }) => (atMs === null ? '' : `${((atMs - receivedAtMs) / 1000).toFixed(1)} s`),
        right: true,
      },
    ],
    rows,
  )
  const what = kind === 62 ? 'request to vanish' : 'deletion request'
  const waits = waitingFor.length === 0 ? '' : `waits for ${waitingFor.join(', ')}\n`
  return `${what} ${requestId}\nby ${author}, ${erasedEvents} events erased\n${table}${waits}`
}

const timeOf = (ms: number): string => new Date(ms).toISOString()

/** What a verification found, by store. */
export function renderVerification({ stores, unclaimed }: VerificationReport, because: string): string {
  const table = renderTable(
    [
      { title: 'store', of: ({ store }) => store },
      { title: 'looked through', of: ({ examined }) => examined },
      {
        title: 'result',
        of: ({ traces, notVerifiable }) =>
          traces.length > 0
            ? `${traces.length} traces`
            : notVerifiable === null
              ? 'no trace'
              : 'not verifiable',
      },
    ],
    stores,
  )
  const lines = [`looking for ${because}`, table.trimEnd()]
  for (const { traces, notVerifiable, store } of stores) {
    for (const { place, what } of traces) lines.push(`trace in ${store}: ${what}, ${place}`)
    if (notVerifiable !== null) lines.push(`${store} is not verifiable: ${notVerifiable}`)
  }
  for (const place of unclaimed)
    lines.push(`${place} belongs to no registered store: nobody can say what it holds`)
  return `${lines.join('\n')}\n`
}
