import { ok } from '@millrace/kernel'
import { z } from 'zod'
import type { Endpoint } from '../http/endpoint.ts'
import { lineOf } from './registered-schemas.ts'
import {
  REGISTRY_ERRORS,
  registryAnswer,
  registryDoc,
  registryError,
  registryErrorDocs,
} from './registry-answers.ts'
import { registryGet } from './registry-endpoint.ts'

/** What the test of schemas/ holds every new version to. */
const COMPATIBILITY = { compatibilityLevel: 'BACKWARD_TRANSITIVE' } as const

const compatibilityDoc = registryDoc(
  'The rule for new versions',
  z.object({ compatibilityLevel: z.literal(COMPATIBILITY.compatibilityLevel) }),
)

/** GET /config, /config/{subject} and /mode. */
export const settingsEndpoints: readonly Endpoint[] = [
  {
    ...registryGet('/config'),
    doc: {
      tag: 'schema registry',
      summary: 'The compatibility rule',
      answers: { 200: compatibilityDoc },
    },
    handle: () => ok(registryAnswer(COMPATIBILITY)),
  },
  {
    ...registryGet('/config/:subject'),
    doc: {
      tag: 'schema registry',
      summary: 'The compatibility rule of a subject',
      params: z.object({ subject: z.string() }),
      query: z.object({
        defaultToGlobal: z
          .enum(['true', 'false'])
          .optional()
          .meta({ description: 'true: an unknown subject has the rule of the registry' }),
      }),
      answers: { 200: compatibilityDoc, ...registryErrorDocs(REGISTRY_ERRORS.subjectConfigNotFound) },
    },
    handle: ({ params, query }) => {
      const { subject = '' } = params
      if (lineOf(subject) !== undefined || query.get('defaultToGlobal') === 'true')
        return ok(registryAnswer(COMPATIBILITY))
      return ok(
        registryError(
          REGISTRY_ERRORS.subjectConfigNotFound,
          `Subject '${subject}' does not have subject-level compatibility configured`,
        ),
      )
    },
  },
  {
    ...registryGet('/mode'),
    doc: {
      tag: 'schema registry',
      summary: 'Whether schemas can be added',
      answers: { 200: registryDoc('Always READONLY', z.object({ mode: z.literal('READONLY') })) },
    },
    handle: () => ok(registryAnswer({ mode: 'READONLY' })),
  },
]
