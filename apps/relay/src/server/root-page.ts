import type { IncomingMessage, ServerResponse } from 'node:http'

/** NIP-11: relays must accept CORS requests by sending these three. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
} as const

/**
 * Answers plain HTTP at `/`: the relay information document to those who accept application/nostr+json (NIP-11), a page to
 * everybody else.
 */
export function rootPage(information: unknown, page: string) {
  const document = JSON.stringify(information)
  return (request: IncomingMessage, response: ServerResponse): void => {
    const headers = { ...CORS, vary: 'accept' }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, headers).end()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...headers, allow: 'GET, HEAD, OPTIONS' }).end()
      return
    }
    const isNostr = (request.headers.accept ?? '').includes('application/nostr+json')
    const body = isNostr ? document : page
    response.writeHead(200, {
      ...headers,
      'content-type': isNostr ? 'application/nostr+json' : 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      ...(isNostr ? {} : { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" }),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}
