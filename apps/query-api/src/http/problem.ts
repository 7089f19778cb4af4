import type { Fault, FaultCode } from '@millrace/kernel'
import type { Answer } from './endpoint.ts'

/** RFC 9457. `type` is about:blank, so `title` is the status in words; `code` tells faults apart. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const

export type ProblemStatus = keyof typeof TITLES

/** Fault → HTTP status (DESIGN 7); exhaustive by type. */
const STATUSES: Readonly<Record<FaultCode, ProblemStatus>> = {
  'message-malformed': 400,
  'message-too-large': 413,
  'event-malformed': 422,
  'event-too-large': 413,
  'event-id-mismatch': 422,
  'event-signature-invalid': 422,
  'event-created-at-out-of-range': 422,
  'event-expired': 422,
  'event-kind-refused': 422,
  'event-owner-missing': 422,
  'event-protected': 403,
  'event-superseded': 409,
  'event-deleted': 410,
  'event-deletes-others': 422,
  'event-vanish-malformed': 422,
  'filter-malformed': 400,
  'filter-too-large': 400,
  'subscription-malformed': 400,
  'subscriptions-too-many': 429,
  'query-malformed': 400,
  'not-found': 404,
  'auth-required': 401,
  'auth-invalid': 401,
  restricted: 403,
  'rate-limited': 429,
  'record-undecodable': 500,
  'record-wrong-partition': 500,
  'record-erased': 410,
  'schema-unknown': 404,
  'schema-incompatible': 422,
  'log-foreign': 500,
  'log-id-missing': 500,
  'watermark-past-end': 500,
  'topic-mismatch': 500,
  'dead-letters-too-many': 500,
  'kafka-unavailable': 503,
  'kafka-fenced': 503,
  'clickhouse-unavailable': 503,
  'clickhouse-refused': 500,
  'migration-mismatch': 500,
  'overlay-full': 503,
  'queue-full': 503,
  timeout: 504,
  'shutting-down': 503,
  'consumer-stalled': 503,
  'configuration-invalid': 500,
  internal: 500,
}

const RETRY_AFTER_S = 1

/** What callers learn of a fault that is not their own: what it means for them, not the inner reason. */
const OUTSIDE_DETAILS: Partial<Record<ProblemStatus, string>> = {
  500: 'the request could not be answered because of a fault in the service',
  503: 'the service cannot answer now, try again later',
  504: 'no answer in time, try again later',
}

const DETAILS: Partial<Record<FaultCode, string>> = {
  'clickhouse-unavailable': 'ClickHouse cannot be reached or is too busy, try again later',
  'queue-full': 'too many requests are being answered already, try again later',
}

export function problemOf(fault: Fault): Problem {
  const status = STATUSES[fault.code]
  const detail = DETAILS[fault.code] ?? OUTSIDE_DETAILS[status] ?? fault.message
  return { type: 'about:blank', title: TITLES[status], status, detail, code: fault.code }
}

/** A fault as application/problem+json. */
export function problemAnswer(fault: Fault): Answer {
  const problem = problemOf(fault)
  return {
    status: problem.status,
    contentType: PROBLEM_CONTENT_TYPE,
    body: JSON.stringify(problem),
    ...(problem.status === 503 || problem.status === 429
      ? { headers: { 'retry-after': String(RETRY_AFTER_S) } }
      : {}),
  }
}

/** A path that exists, asked for by a method that it does not take. */
export function methodNotAllowed(allowed: readonly string[]): Answer {
  const allow = allowed.join(', ')
  const problem = {
    type: 'about:blank',
    title: TITLES[405],
    status: 405,
    detail: `this path takes ${allow}`,
    code: 'method-not-allowed',
  } as const satisfies Problem
  return {
    status: 405,
    contentType: PROBLEM_CONTENT_TYPE,
    body: JSON.stringify(problem),
    headers: { allow },
  }
}
