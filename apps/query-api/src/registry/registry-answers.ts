import type { Fault } from '@millrace/kernel'
import { z } from 'zod'
import type { Answer } from '../http/endpoint.ts'
import type { AnswerDoc } from '../http/endpoint-doc.ts'
import { problemOf } from '../http/problem.ts'

export const REGISTRY_CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'

/** Error codes of the Confluent Schema Registry's REST interface; the first three digits are the HTTP status. */
export const REGISTRY_ERRORS = {
  subjectNotFound: 40401,
  versionNotFound: 40402,
  schemaNotFound: 40403,
  subjectConfigNotFound: 40408,
  schemaInvalid: 42201,
  versionInvalid: 42202,
  notPermitted: 42205,
} as const

export type RegistryErrorCode = (typeof REGISTRY_ERRORS)[keyof typeof REGISTRY_ERRORS]

export const registryAnswer = (value: unknown): Answer => ({
  status: 200,
  contentType: REGISTRY_CONTENT_TYPE,
  body: JSON.stringify(value),
})

const errorAnswer = (status: number, errorCode: number, message: string): Answer => ({
  status,
  contentType: REGISTRY_CONTENT_TYPE,
  body: JSON.stringify({ error_code: errorCode, message }),
})

export const registryError = (code: RegistryErrorCode, message: string): Answer =>
  errorAnswer(Math.floor(code / 100), code, message)

export const subjectNotFound = (subject: string): Answer =>
  registryError(REGISTRY_ERRORS.subjectNotFound, `Subject '${subject}' not found.`)

/** Not an address of the registry at all, as when a path wants a number and gets a word. */
export const addressNotFound = (): Answer => errorAnswer(404, 404, 'HTTP 404 Not Found')

/** A fault from outside the registry (too large, too many, too slow), in its callers' form. */
export function registryFaultAnswer(fault: Fault): Answer {
  const { status, detail } = problemOf(fault)
  return errorAnswer(status, status, detail)
}

const registryErrorSchema = z
  .object({ error_code: z.int(), message: z.string() })
  .meta({ id: 'RegistryError', description: 'As the Confluent Schema Registry answers' })

export const registryDoc = (description: string, schema: z.ZodType): AnswerDoc => ({
  description,
  contentType: REGISTRY_CONTENT_TYPE,
  schema,
})

/** The errors an endpoint of the registry may answer, by status. */
export function registryErrorDocs(...codes: readonly RegistryErrorCode[]): Record<number, AnswerDoc> {
  const byStatus = Map.groupBy(codes, (code) => Math.floor(code / 100))
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      status,
      registryDoc(`error_code ${of.join(' or ')}`, registryErrorSchema),
    ]),
  )
}
