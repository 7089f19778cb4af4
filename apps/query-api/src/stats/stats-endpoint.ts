import type { ClickHouse } from '@millrace/clickhouse'
import { ok } from '@millrace/kernel'
import { Remembered } from '../freshness/remembered.ts'
import type { StoreFreshness } from '../freshness/store-freshness.ts'
import { type Endpoint, jsonAnswer } from '../http/endpoint.ts'
import { jsonDoc, problemDocs } from '../http/endpoint-doc.ts'
import { problemAnswer } from '../http/problem.ts'
import { readStats, type StatsPolicy, statsSchema } from './stats.ts'

const MAX_AGE_S = 5

export function statsEndpoint(
  clickhouse: ClickHouse,
  freshness: StoreFreshness,
  policy: StatsPolicy,
): Endpoint {
  const stats = new Remembered(() => readStats(clickhouse, freshness, policy), MAX_AGE_S * 1000)
  return {
    name: 'stats',
    method: 'get',
    path: '/api/stats',
    cacheControl: `public, max-age=${MAX_AGE_S}`,
    answerFault: problemAnswer,
    doc: {
      tag: 'events',
      summary: 'Counts by kind, how far the store has followed the log, and how long events are kept',
      description: `Counted at most every ${MAX_AGE_S} s.`,
      answers: { 200: jsonDoc('The statistics', statsSchema), ...problemDocs(503, 504) },
    },
    handle: async ({ clickHouseTime }) => {
      const read = await clickHouseTime.of(() => stats.read())
      return read.ok ? ok(jsonAnswer(200, read.value)) : read
    },
  }
}
