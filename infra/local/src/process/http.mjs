import { request } from 'node:http'

/**
 * One HTTP request on a connection of its own, so that no idle socket holds up a server's shutdown.
 * @param {{ url?: string, socketPath?: string, path?: string, method?: string, body?: unknown, timeoutMs?: number }} options
 * @returns {Promise<{ status: number, text: string }>} rejects when nothing answers in time
 */
export function httpCall({ url, socketPath, path, method = 'GET', body, timeoutMs = 2000 }) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const options = {
      method,
      headers,
      timeout: timeoutMs,
      agent: false,
      ...(socketPath ? { socketPath, path } : {}),
    }
    const call = url === undefined ? request(options) : request(url, options)
    call.once('response', (response) => {
      let answer = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        answer += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text: answer }))
      response.once('error', reject)
    })
    call.once('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    call.once('error', reject)
    call.end(text)
  })
}
