import { ok, type Result } from '@millrace/kernel'
import type { SchemaLine, SchemaVersion } from '@millrace/schemas'
import { z } from 'zod'
import { type Answer, type Call, type Endpoint, NEVER_CACHED } from '../http/endpoint.ts'
import { parsingCanonicalForm } from './parsing-canonical-form.ts'
import { lineOf, registered, sameSchema } from './registered-schemas.ts'
import {
  REGISTRY_CONTENT_TYPE,
  REGISTRY_ERRORS,
  registryAnswer,
  registryDoc,
  registryError,
  registryErrorDocs,
  registryFaultAnswer,
  subjectNotFound,
} from './registry-answers.ts'
import { registeredSchema } from './subject-endpoints.ts'

const BODY_BYTES_MAX = 256 * 1024

const params = z.object({ subject: z.string().meta({ description: '<topic>-value' }) })

const registration = z
  .object({
    schema: z.string().meta({ description: 'the Avro schema as JSON text' }),
    schemaType: z.literal('AVRO').optional(),
  })
  .meta({ id: 'SchemaRegistration' })

const post = {
  name: 'schema-registry',
  method: 'post',
  cacheControl: NEVER_CACHED,
  bodyBytesMax: BODY_BYTES_MAX,
  answerFault: registryFaultAnswer,
} as const

const body = { contentType: REGISTRY_CONTENT_TYPE, schema: registration }

/**
 * POST /subjects/…: the registry is the repository, so nothing can be added here. A serializer that registers what it
 * writes, or asks for its id, gets the id of a schema that is known already.
 */
export const registrationEndpoints: readonly Endpoint[] = [
  {
    ...post,
    path: '/subjects/:subject',
    doc: {
      tag: 'schema registry',
      summary: 'Looks a schema up under a subject',
      params,
      body,
      answers: {
        200: registryDoc('Where it is registered', registeredSchema),
        ...registryErrorDocs(
          REGISTRY_ERRORS.subjectNotFound,
          REGISTRY_ERRORS.schemaInvalid,
          REGISTRY_ERRORS.notPermitted,
        ),
      },
    },
    handle: (call) => {
      const { subject = '' } = call.params
      if (lineOf(subject) === undefined) return ok(subjectNotFound(subject))
      return lookUp(call, (version) => registryAnswer(registered(subject, version)))
    },
  },
  {
    ...post,
    path: '/subjects/:subject/versions',
    doc: {
      tag: 'schema registry',
      summary: 'Answers the id of a schema that is registered already',
      params,
      body,
      answers: {
        200: registryDoc('Its id', z.object({ id: z.int() })),
        ...registryErrorDocs(REGISTRY_ERRORS.schemaInvalid, REGISTRY_ERRORS.notPermitted),
      },
    },
    handle: (call) => lookUp(call, ({ id }) => registryAnswer({ id })),
  },
]

function lookUp(call: Call, answer: (version: SchemaVersion) => Answer): Result<Answer> {
  const canonical = canonicalOf(call.body)
  if (typeof canonical !== 'string') return ok(canonical)
  const { subject = '' } = call.params
  const line: SchemaLine | undefined = lineOf(subject)
  const version = line === undefined ? undefined : sameSchema(line, canonical)
  if (version !== undefined) return ok(answer(version))
  return ok(
    registryError(
      REGISTRY_ERRORS.notPermitted,
      `Subject '${subject}' has no such schema, and this registry is read-only: schemas are added in its repository`,
    ),
  )
}

/** The canonical form of the schema in a body, or the error that it is. */
function canonicalOf(text: string): string | Answer {
  const given = registration.safeParse(jsonOf(text))
  if (!given.success) return invalidSchema('the body is not {"schema": "…"} with an Avro schema as text')
  const form = parsingCanonicalForm(jsonOf(given.data.schema))
  return form.ok ? form.value : invalidSchema(form.fault.message)
}

const invalidSchema = (reason: string): Answer =>
  registryError(REGISTRY_ERRORS.schemaInvalid, `Invalid schema: ${reason}`)

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
