import { ok } from '@millrace/kernel'
import { z } from 'zod'
import { type Endpoint, jsonAnswer } from '../http/endpoint.ts'
import { jsonDoc } from '../http/endpoint-doc.ts'
import { problemAnswer } from '../http/problem.ts'

const rootSchema = z
  .object({
    service: z.string(),
    openapi: z.string().meta({ description: 'path of the whole description' }),
    routes: z.array(z.object({ method: z.string(), path: z.string(), summary: z.string() })),
  })
  .meta({ id: 'Root' })

/** What whoever opens the bare address gets: where to go on. `all` is asked when it is called. */
export const rootEndpoint = (all: () => readonly Endpoint[]): Endpoint => ({
  name: 'root',
  method: 'get',
  path: '/',
  cacheControl: 'public, max-age=60',
  answerFault: problemAnswer,
  doc: {
    tag: 'operations',
    summary: 'Where everything is',
    answers: { 200: jsonDoc('The routes, and where they are described', rootSchema) },
  },
  handle: () => {
    const routes = all().map(({ method, path, doc }) => ({
      method: method.toUpperCase(),
      path,
      summary: doc.summary,
    }))
    return ok(jsonAnswer(200, { service: 'Millrace query API', openapi: '/openapi.json', routes }))
  },
})
