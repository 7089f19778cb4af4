import { hash } from 'node:crypto'
import { type Clock, err, invalid, ok, type Result } from '@millrace/kernel'
import { isHex64 } from '@millrace/nostr'
import type { EventReader, ReadContext } from '@millrace/read-models'
import { z } from 'zod'
import { type Freshness, freshnessJson, freshnessShape } from '../freshness/freshness.ts'
import type { StoreFreshness } from '../freshness/store-freshness.ts'
import type { Answer, Call, Endpoint } from '../http/endpoint.ts'
import { jsonDoc, problemDocs } from '../http/endpoint-doc.ts'
import { problemAnswer } from '../http/problem.ts'
import { type EventPage, readPage } from './event-page.ts'
import { eventSchema, tagParameter } from './event-schema.ts'
import { eventsQuery, PAGE_EVENTS_DEFAULT, parseEventsQuery } from './events-query.ts'
import { encodeCursor } from './position-cursor.ts'

export interface EventParts {
  readonly reader: EventReader
  readonly freshness: StoreFreshness
  readonly clock: Clock
  readonly responseBytesMax: number
}

/** A cache may keep the answer but has to ask each time: what is deleted must not be shown again. */
const REVALIDATED = 'public, no-cache'

const pageSchema = z
  .object({
    events: z.array(eventSchema),
    nextCursor: z.string().nullable().meta({ description: 'for the next page; null: this is the last one' }),
    ...freshnessShape,
  })
  .meta({ id: 'EventPage' })

const base = { method: 'get', cacheControl: REVALIDATED, answerFault: problemAnswer } as const

/** The REST side of REQ: no one is authenticated here, so private kinds are never shown (DESIGN 2.7). */
export const eventEndpoints = (parts: EventParts): readonly Endpoint[] => [
  {
    ...base,
    name: 'events',
    path: '/api/events',
    doc: {
      tag: 'events',
      summary: 'Events that match a NIP-01 filter',
      description: `By created_at descending, then id ascending; ${PAGE_EVENTS_DEFAULT} to a page unless limit says otherwise. Of replaceable and addressable events the current version. Deleted, expired and private events are not shown.`,
      query: eventsQuery,
      parameters: [tagParameter],
      answers: {
        200: jsonDoc('One page', pageSchema),
        ...problemDocs(400, 503, 504),
      },
    },
    handle: (call) => answerPage(call, parts),
  },
  {
    ...base,
    name: 'event',
    path: '/api/events/:id',
    doc: {
      tag: 'events',
      summary: 'One event by its id',
      params: z.object({ id: z.string().meta({ pattern: '^[0-9a-f]{64}$' }) }),
      answers: {
        200: jsonDoc('The event', eventSchema),
        ...problemDocs(400, 404, 503, 504),
      },
    },
    handle: (call) => answerOne(call, parts),
  },
]

async function answerPage(call: Call, parts: EventParts): Promise<Result<Answer>> {
  const query = parseEventsQuery(call.query)
  if (!query.ok) return query
  const { freshness, reader, responseBytesMax } = parts
  // Freshness first: what the store is known to hold then, the page read afterwards has.
  const state = await call.clickHouseTime.of(() => freshness.read())
  if (!state.ok) return state
  const page = await call.clickHouseTime.of(() =>
    readPage(reader, query.value, contextOf(call, parts), responseBytesMax),
  )
  return page.ok ? ok(pageAnswer(page.value, state.value.freshness)) : page
}

function pageAnswer({ events, next }: EventPage, freshness: Freshness): Answer {
  const nextCursor = next === null ? null : encodeCursor(next)
  const rest = JSON.stringify({ nextCursor, ...freshnessJson(freshness) }).slice(1)
  // The same events make the same answer: an older snapshotAsOf than today's is still true.
  const content = [...events.map(({ id }) => id), nextCursor, freshness.isPartial].join()
  return {
    status: 200,
    contentType: 'application/json',
    body: `{"events":[${events.map(({ json }) => json).join(',')}],${rest}`,
    headers: { etag: `W/"${hash('sha256', content, 'base64url')}"` },
  }
}

async function answerOne(call: Call, parts: EventParts): Promise<Result<Answer>> {
  const { id = '' } = call.params
  if (!isHex64(id)) return err(invalid('query-malformed', 'id: is not 64 lowercase hex characters'))
  const query = { filter: { ids: [id], tags: {} }, limit: 1, after: null }
  const page = await call.clickHouseTime.of(() =>
    readPage(parts.reader, query, contextOf(call, parts), parts.responseBytesMax),
  )
  if (!page.ok) return page
  const [event] = page.value.events
  if (event === undefined) return err(invalid('not-found', 'there is no public event with this id'))
  return ok({
    status: 200,
    contentType: 'application/json',
    body: event.json,
    headers: { etag: `W/"${id}"` },
  })
}

const contextOf = ({ signal }: Call, { clock }: EventParts): ReadContext => ({
  authedPubkeys: new Set(),
  nowS: clock.nowS(),
  signal,
})
