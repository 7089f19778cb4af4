import type { RouteConfig } from '@asteasolutions/zod-to-openapi'
import { z } from 'zod'
import { PROBLEM_CONTENT_TYPE, type ProblemStatus } from './problem.ts'

export interface AnswerDoc {
  readonly description: string
  readonly contentType: string
  readonly schema: z.ZodType
}

/** What the OpenAPI document says about an endpoint; the same schemas read its input. */
export interface EndpointDoc {
  readonly tag: 'events' | 'schema registry' | 'operations'
  readonly summary: string
  readonly description?: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  /** Parameters that a zod object cannot describe, as OpenAPI writes them. */
  readonly parameters?: NonNullable<RouteConfig['parameters']>
  readonly body?: { readonly contentType: string; readonly schema: z.ZodType }
  /** By status. */
  readonly answers: Readonly<Record<number, AnswerDoc>>
}

const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'what is wrong with this request' }),
    code: z.string().meta({ description: 'tells faults apart; stable' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' })

const PROBLEM_MEANINGS: Partial<Record<ProblemStatus, string>> = {
  400: 'The request is malformed',
  404: 'It is not there',
  503: 'ClickHouse is away, or too much is under way: try again later',
  504: 'No answer in time',
}

/** The problems an endpoint may answer. */
export const problemDocs = (...statuses: readonly ProblemStatus[]): Record<number, AnswerDoc> =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: PROBLEM_MEANINGS[status] ?? 'The request was refused',
        contentType: PROBLEM_CONTENT_TYPE,
        schema: problemSchema,
      },
    ]),
  )

export const jsonDoc = (description: string, schema: z.ZodType): AnswerDoc => ({
  description,
  contentType: 'application/json',
  schema,
})
