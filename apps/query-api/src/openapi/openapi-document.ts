import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi'
import type { Endpoint } from '../http/endpoint.ts'

const INFO = {
  title: 'Millrace query API',
  version: '1',
  description:
    'Nostr events, statistics and schemas over HTTP. Errors are RFC 9457 problem details, those of the schema registry as its clients expect them.',
}

/** The OpenAPI document of the endpoints, as JSON text: what /openapi.json serves and docs/openapi.json holds. */
export function openApiDocument(endpoints: readonly Endpoint[]): string {
  const registry = new OpenAPIRegistry()
  for (const endpoint of endpoints) registry.registerPath(routeOf(endpoint))
  const document = new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: INFO,
    servers: [{ url: '/' }],
  })
  return `${JSON.stringify(document, null, 2)}\n`
}

function routeOf({ method, path, doc }: Endpoint): RouteConfig {
  const { tag, summary, description, params, query, parameters, body, answers } = doc
  return {
    method,
    path: path.replaceAll(/:(\w+)/g, '{$1}'),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    request: {
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined
        ? {}
        : { body: { required: true, content: { [body.contentType]: { schema: body.schema } } } }),
    },
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [
        status,
        { description: answer.description, content: { [answer.contentType]: { schema: answer.schema } } },
      ]),
    ),
  }
}
