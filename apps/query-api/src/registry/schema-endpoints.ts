import { ok } from '@millrace/kernel'
import { schemaById } from '@millrace/schemas'
import { z } from 'zod'
import type { Call, Endpoint } from '../http/endpoint.ts'
import { placesOf, textOf } from './registered-schemas.ts'
import {
  addressNotFound,
  REGISTRY_ERRORS,
  registryAnswer,
  registryDoc,
  registryError,
  registryErrorDocs,
} from './registry-answers.ts'
import { FOR_EVER, registryGet } from './registry-endpoint.ts'

const idParams = z.object({ id: z.string().meta({ description: 'schema id, as records carry it' }) })

const schemaNotFound = (id: number) => registryError(REGISTRY_ERRORS.schemaNotFound, `Schema ${id} not found`)

/** GET /schemas/…: what readers of records ask. */
export const schemaEndpoints: readonly Endpoint[] = [
  {
    ...registryGet('/schemas/types'),
    doc: {
      tag: 'schema registry',
      summary: 'Schema languages',
      answers: { 200: registryDoc('Always AVRO', z.array(z.string())) },
    },
    handle: () => ok(registryAnswer(['AVRO'])),
  },
  {
    ...registryGet('/schemas/ids/:id'),
    cacheControl: FOR_EVER,
    doc: {
      tag: 'schema registry',
      summary: 'A schema by its id',
      params: idParams,
      answers: {
        200: registryDoc('The schema as text', z.object({ schema: z.string() })),
        ...registryErrorDocs(REGISTRY_ERRORS.schemaNotFound),
      },
    },
    handle: (call) =>
      withId(call, (id) => {
        const version = schemaById(id)
        return version === undefined ? schemaNotFound(id) : registryAnswer({ schema: textOf(version) })
      }),
  },
  {
    ...registryGet('/schemas/ids/:id/versions'),
    doc: {
      tag: 'schema registry',
      summary: 'Where a schema is registered',
      params: idParams,
      answers: {
        200: registryDoc(
          'Subjects and versions',
          z.array(z.object({ subject: z.string(), version: z.int() })),
        ),
        ...registryErrorDocs(REGISTRY_ERRORS.schemaNotFound),
      },
    },
    handle: (call) =>
      withId(call, (id) => {
        const places = placesOf(id)
        if (places.length === 0) return schemaNotFound(id)
        return registryAnswer(places.map(({ subject, version }) => ({ subject, version })))
      }),
  },
]

function withId(call: Call, answer: (id: number) => ReturnType<typeof registryAnswer>) {
  const { id = '' } = call.params
  return ok(/^\d{1,10}$/.test(id) ? answer(Number(id)) : addressNotFound())
}
