import { ok } from '@millrace/kernel'
import { z } from 'zod'
import type { Answer, Call, Endpoint } from '../http/endpoint.ts'
import { lineOf, registered, subjects, versionOf } from './registered-schemas.ts'
import {
  REGISTRY_ERRORS,
  registryAnswer,
  registryDoc,
  registryError,
  registryErrorDocs,
  subjectNotFound,
} from './registry-answers.ts'
import { registryGet } from './registry-endpoint.ts'

const VERSION_MAX = 2 ** 31 - 1

const subjectParams = z.object({ subject: z.string().meta({ description: '<topic>-value' }) })
const versionParams = subjectParams.extend({
  version: z.string().meta({ description: 'a version number, or latest' }),
})
const subjectsQuery = z.object({
  subjectPrefix: z.string().optional().meta({ description: 'only subjects that begin with it' }),
})

export const registeredSchema = z
  .object({ subject: z.string(), version: z.int(), id: z.int(), schema: z.string() })
  .meta({ id: 'RegisteredSchema' })

/** GET /subjects…: what is registered. */
export const subjectEndpoints: readonly Endpoint[] = [
  {
    ...registryGet('/subjects'),
    doc: {
      tag: 'schema registry',
      summary: 'All subjects',
      query: subjectsQuery,
      answers: { 200: registryDoc('Their names', z.array(z.string())) },
    },
    handle: ({ query }) => {
      const prefix = query.get('subjectPrefix') ?? ''
      // Nothing was ever deleted, so a list of what was is empty.
      const listed = query.get('deletedOnly') === 'true' ? [] : subjects()
      return ok(registryAnswer(listed.filter((subject) => subject.startsWith(prefix))))
    },
  },
  {
    ...registryGet('/subjects/:subject/versions'),
    doc: {
      tag: 'schema registry',
      summary: 'The versions of a subject',
      params: subjectParams,
      answers: {
        200: registryDoc('Their numbers', z.array(z.int())),
        ...registryErrorDocs(REGISTRY_ERRORS.subjectNotFound),
      },
    },
    handle: ({ params }) => {
      const { subject = '' } = params
      const line = lineOf(subject)
      return ok(
        line === undefined
          ? subjectNotFound(subject)
          : registryAnswer(line.versions.map(({ version }) => version)),
      )
    },
  },
  {
    ...registryGet('/subjects/:subject/versions/:version'),
    doc: {
      tag: 'schema registry',
      summary: 'One version of a subject',
      params: versionParams,
      answers: {
        200: registryDoc('The schema with its id', registeredSchema),
        ...registryErrorDocs(
          REGISTRY_ERRORS.subjectNotFound,
          REGISTRY_ERRORS.versionNotFound,
          REGISTRY_ERRORS.versionInvalid,
        ),
      },
    },
    handle: (call) => ok(oneVersion(call)),
  },
]

function oneVersion({ params }: Call): Answer {
  const { subject = '', version = '' } = params
  const wanted = parseVersion(version)
  if (wanted === null)
    return registryError(
      REGISTRY_ERRORS.versionInvalid,
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    )
  const line = lineOf(subject)
  if (line === undefined) return subjectNotFound(subject)
  const found = versionOf(line, wanted)
  return found === undefined
    ? registryError(REGISTRY_ERRORS.versionNotFound, `Version ${wanted} not found.`)
    : registryAnswer(registered(subject, found))
}

/** −1 is an older word for latest. */
function parseVersion(text: string): number | 'latest' | null {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = Number(text)
  return /^\d+$/.test(text) && version >= 1 && version <= VERSION_MAX ? version : null
}
