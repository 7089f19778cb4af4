import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { err, invalid, ok, transient } from '@millrace/kernel'
import { until, within } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { revalidate } from '../testing/revalidate.ts'
import { serve } from '../testing/serving.ts'
import { type Endpoint, jsonAnswer } from './endpoint.ts'
import { jsonDoc } from './endpoint-doc.ts'
import { PROBLEM_CONTENT_TYPE, problemAnswer } from './problem.ts'

const endpoint = (path: string, handle: Endpoint['handle'], more: Partial<Endpoint> = {}): Endpoint => ({
  name: path.slice(1).replaceAll('/', '-'),
  method: 'get',
  path,
  cacheControl: 'public, max-age=7',
  doc: { tag: 'events', summary: path, answers: { 200: jsonDoc('it', z.unknown()) } },
  answerFault: problemAnswer,
  handle,
  ...more,
})

const echo = endpoint('/echo/:word', ({ params, query }) =>
  ok(jsonAnswer(200, { ...params, query: [...query] })),
)
const big = endpoint('/big', () => ok(jsonAnswer(200, { text: 'x'.repeat(50_000) })))

test('parameters reach the handler decoded, the answer carries its cache policy and an ETag', async () => {
  await using api = await serve([echo])
  const response = await fetch(`${api.url}/echo/a%2Fb?%23t=x%20y&t=%C3%A9`)
  expect(await response.json()).toEqual({
    word: 'a/b',
    query: [
      ['#t', 'x y'],
      ['t', 'é'],
    ],
  })
  expect(response.headers.get('cache-control')).toBe('public, max-age=7')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  const etag = response.headers.get('etag') ?? ''
  const again = await revalidate(`${api.url}/echo/a%2Fb?%23t=x%20y&t=%C3%A9`, etag)
  expect([etag.startsWith('W/'), again]).toEqual([true, 304])
})

test('large answers are compressed for those who take it', async () => {
  await using api = await serve([big])
  const zipped = await fetch(`${api.url}/big`, { headers: { 'accept-encoding': 'gzip' } })
  expect(zipped.headers.get('content-encoding')).toBe('gzip')
  expect(((await zipped.json()) as { text: string }).text).toHaveLength(50_000)
  const plain = await fetch(`${api.url}/big`, { headers: { 'accept-encoding': 'identity' } })
  expect(plain.headers.get('content-encoding')).toBeNull()
})

test('browsers may call from everywhere, or from the origins that are configured', async () => {
  const preflight = (url: string, origin: string) =>
    fetch(`${url}/big`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'GET' },
    })
  await using open = await serve([big])
  const answer = await preflight(open.url, 'https://somewhere.example')
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
  await using closed = await serve([big], { corsOrigins: ['https://ours.example'] })
  const allowed = async (origin: string) =>
    (await preflight(closed.url, origin)).headers.get('access-control-allow-origin')
  expect(await allowed('https://ours.example')).toBe('https://ours.example')
  expect(await allowed('https://theirs.example')).toBeNull()
})

test.each([
  ['a path that is not there', '/nothing', 'GET', 404, 'not-found'],
  ['a method that the path does not take', '/big', 'DELETE', 405, 'method-not-allowed'],
  ['a path that cannot be decoded', '/echo/%E0%A4%A', 'GET', 400, 'query-malformed'],
])('%s is a problem', async (_, path, method, status, code) => {
  await using api = await serve([echo, big])
  const response = await fetch(api.url + path, { method })
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toContain(PROBLEM_CONTENT_TYPE)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.json()).toMatchObject({ type: 'about:blank', status, code })
})

test('a fault becomes its problem, a programming error an unspecific one', async () => {
  await using api = await serve([
    endpoint('/fault', () => err(invalid('filter-malformed', 'since is a word'))),
    endpoint('/bug', () => {
      throw new Error('the secret reason')
    }),
  ])
  const fault = await fetch(`${api.url}/fault`)
  expect([fault.status, ((await fault.json()) as { detail: string }).detail]).toEqual([
    400,
    'since is a word',
  ])
  const bug = await fetch(`${api.url}/bug`)
  expect(bug.status).toBe(500)
  expect(await bug.text()).not.toContain('secret')
})

test('a body past its bound is refused in the form of its endpoint', async () => {
  const post = endpoint('/body', ({ body }) => ok(jsonAnswer(200, body)), {
    method: 'post',
    bodyBytesMax: 10,
    answerFault: (fault) => jsonAnswer(413, { refused: fault.code }),
  })
  await using api = await serve([post])
  const send = async (body: string) => (await fetch(`${api.url}/body`, { method: 'POST', body })).json()
  expect(await send('short')).toBe('short')
  expect(await send('much too long')).toEqual({ refused: 'message-too-large' })
})

test('a request that takes too long is given up, and its handler told so', async () => {
  let isTold = false
  const slow = endpoint('/slow', async ({ signal }) => {
    await wait(60_000, undefined, { signal }).catch(() => {
      isTold = true
    })
    return ok(jsonAnswer(200, 'late'))
  })
  await using api = await serve([slow], { requestTimeoutMs: 30 })
  const response = await fetch(`${api.url}/slow`)
  expect([response.status, await response.json()]).toMatchObject([504, { code: 'timeout' }])
  await until(() => isTold, { what: 'the handler told' })
})

test('a client that leaves frees its place', async () => {
  const waiting = new Set<AbortSignal>()
  const hang = endpoint('/hang', async ({ signal }) => {
    waiting.add(signal)
    await wait(60_000, undefined, { signal }).catch(() => {})
    return err(transient('timeout', 'nobody waits any more'))
  })
  await using api = await serve([hang, big], { requestsConcurrentMax: 1 })
  const leave = new AbortController()
  const left = fetch(`${api.url}/hang`, { signal: leave.signal }).catch(() => 'left')
  await until(() => waiting.size === 1, { what: 'the first request under way' })
  const second = await fetch(`${api.url}/big`)
  await second.arrayBuffer()
  expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1'])
  leave.abort()
  expect(await left).toBe('left')
  const isFree = async () => {
    const response = await fetch(`${api.url}/big`)
    await response.arrayBuffer()
    return response.status === 200
  }
  await until(isFree, { what: 'a free place' })
  expect(await api.metrics.expose()).toContain('api_requests_total{endpoint="hang",status="499"')
})

test('a stop finishes what is under way and waits for nobody else', async () => {
  let finish = () => {}
  const asked = new Promise<void>((resolve) => {
    finish = resolve
  })
  let isAsked = false
  const late = endpoint('/late', async () => {
    isAsked = true
    await asked
    return ok(jsonAnswer(200, 'late'))
  })
  const api = await serve([late])
  const idle = connect(Number(new URL(api.url).port), '127.0.0.1')
  await once(idle, 'connect')
  const answer = fetch(`${api.url}/late`)
  await until(() => isAsked, { what: 'the request under way' })
  const stopped = api[Symbol.asyncDispose]()
  finish()
  expect(await (await answer).json()).toBe('late')
  await within(2_000, 'the stop', Promise.resolve(stopped))
  idle.destroy()
})

test('probes are answered while every place is taken', async () => {
  const probe = endpoint('/probe', () => ok(jsonAnswer(200, 'well')), {
    doc: { tag: 'operations', summary: 'probe', answers: {} },
  })
  await using api = await serve([big, probe], { requestsConcurrentMax: 0 })
  expect((await fetch(`${api.url}/big`)).status).toBe(503)
  expect((await fetch(`${api.url}/probe`)).status).toBe(200)
})

test('requests are counted by endpoint, strays as unknown', async () => {
  await using api = await serve([echo])
  for (const path of ['/echo/a', '/echo/b', '/else/1', '/else/2'])
    await (await fetch(api.url + path)).arrayBuffer()
  await until(
    async () => (await api.metrics.expose()).includes('endpoint="unknown",status="404",app="query-api"} 2'),
    {
      what: 'strays counted',
    },
  )
  expect(await api.metrics.expose()).toContain(
    'api_requests_total{endpoint="echo-:word",status="200",app="query-api"} 2',
  )
})
