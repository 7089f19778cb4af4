import { ok } from '@millrace/kernel'
import { z } from 'zod'
import type { Endpoint } from '../http/endpoint.ts'
import { jsonDoc } from '../http/endpoint-doc.ts'
import { problemAnswer } from '../http/problem.ts'
import { openApiDocument } from './openapi-document.ts'
import { rootEndpoint } from './root-endpoint.ts'

/** The document of all endpoints and the page that points to it, themselves included. */
export function withOpenApi(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  let text: string | null = null
  const own: Endpoint = {
    name: 'openapi',
    method: 'get',
    path: '/openapi.json',
    cacheControl: 'public, max-age=60',
    answerFault: problemAnswer,
    doc: {
      tag: 'operations',
      summary: 'This document',
      answers: { 200: jsonDoc('OpenAPI 3.1', z.record(z.string(), z.unknown())) },
    },
    handle: () => {
      text ??= openApiDocument(all)
      return ok({ status: 200, contentType: 'application/json', body: text })
    },
  }
  const all: readonly Endpoint[] = [rootEndpoint(() => all), ...endpoints, own]
  return all
}
