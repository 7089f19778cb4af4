import { invalid, transient } from '@millrace/kernel'
import type { Logger, Metrics } from '@millrace/observability'
import compression from 'compression'
import cors from 'cors'
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express'
import { Dispatch, type DispatchOptions, send } from './dispatch.ts'
import { type Endpoint, NEVER_CACHED } from './endpoint.ts'
import { methodNotAllowed, problemAnswer } from './problem.ts'

export interface ApiAppOptions extends DispatchOptions {
  readonly endpoints: readonly Endpoint[]
  /** `*` among them: any. */
  readonly corsOrigins: readonly string[]
}

/** Smaller answers gain nothing from gzip. */
const GZIP_FROM_BYTES = 1_024
const PREFLIGHT_MAX_AGE_S = 86_400

/** Puts the endpoints behind express. */
export function createApiApp(options: ApiAppOptions): Express {
  const { endpoints, metrics, log, corsOrigins } = options
  const dispatch = new Dispatch(options)
  const app = express()
  app.disable('x-powered-by').set('query parser', false).set('case sensitive routing', true)
  app.use(measure(metrics))
  app.use((_, response, next) => {
    // Events are written by strangers: no browser may take an answer for anything but JSON.
    response.set('x-content-type-options', 'nosniff')
    next()
  })
  app.use(
    cors({
      origin: corsOrigins.includes('*') ? '*' : [...corsOrigins],
      methods: ['GET', 'HEAD', 'POST'],
      exposedHeaders: ['ETag', 'Retry-After'],
      maxAge: PREFLIGHT_MAX_AGE_S,
    }),
  )
  app.use(compression({ threshold: GZIP_FROM_BYTES }))
  for (const endpoint of endpoints) addRoute(app, endpoint, dispatch)
  for (const [path, methods] of methodsByPath(endpoints))
    app.all(path, (_, response) => send(response, methodNotAllowed(methods), NEVER_CACHED))
  app.use((_, response) =>
    send(response, problemAnswer(invalid('not-found', 'there is nothing at this path')), NEVER_CACHED),
  )
  app.use(onError(log))
  return app
}

function addRoute(app: Express, endpoint: Endpoint, dispatch: Dispatch): void {
  const { method, path, bodyBytesMax } = endpoint
  const name: RequestHandler = (_, response, next) => {
    locals(response).endpoint = endpoint
    next()
  }
  const answer: RequestHandler = (request, response) => dispatch.run(endpoint, request, response)
  const body = bodyBytesMax === undefined ? [] : [express.text({ type: () => true, limit: bodyBytesMax })]
  app[method](path, name, ...body, answer)
}

function methodsByPath(endpoints: readonly Endpoint[]): Map<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const { path, method } of endpoints)
    methods.set(path, [...(methods.get(path) ?? []), ...(method === 'get' ? ['GET', 'HEAD'] : ['POST'])])
  return methods
}

interface Locals {
  endpoint?: Endpoint
}

const locals = (response: Response): Locals => response.locals as Locals

/** Counts and times every request, those that no endpoint takes as `unknown`. */
const measure =
  (metrics: Metrics): RequestHandler =>
  (_, response, next) => {
    const startedMs = performance.now()
    response.once('close', () => {
      const endpoint = locals(response).endpoint?.name ?? 'unknown'
      // nginx's word for a client that left before its answer.
      const status = response.writableFinished ? String(response.statusCode) : '499'
      metrics.count('api_requests_total', { endpoint, status })
      metrics.observe('api_request_seconds', { endpoint }, (performance.now() - startedMs) / 1000)
    })
    next()
  }

/** What express and its body reader throw: a status below 500 is the request's own fault. */
const onError =
  (log: Logger): ErrorRequestHandler =>
  (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const status = statusOf(error)
    const fault =
      status === 413
        ? invalid('message-too-large', 'the request body is too large')
        : status < 500
          ? invalid('query-malformed', 'the request is malformed')
          : transient('internal', 'unexpected', error)
    if (status >= 500) log.error({ err: error }, 'a request met a programming error')
    const answerFault = locals(response).endpoint?.answerFault ?? problemAnswer
    send(response, answerFault(fault), NEVER_CACHED)
  }

function statusOf(error: unknown): number {
  const status = (error as { status?: unknown } | null)?.status
  return typeof status === 'number' && status >= 400 ? status : 500
}
