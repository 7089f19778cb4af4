import type { Endpoint } from '../http/endpoint.ts'
import { registryFaultAnswer } from './registry-answers.ts'

/** An id means the same schema for ever. */
export const FOR_EVER = 'public, max-age=31536000, immutable'

/** Changes only with a new version of the software. */
const FOR_A_MINUTE = 'public, max-age=60'

export const registryGet = (path: string) =>
  ({
    name: 'schema-registry',
    method: 'get',
    path,
    cacheControl: FOR_A_MINUTE,
    answerFault: registryFaultAnswer,
  }) as const satisfies Partial<Endpoint>
