import type { Endpoint } from '../http/endpoint.ts'
import { registrationEndpoints } from './registration-endpoints.ts'
import { schemaEndpoints } from './schema-endpoints.ts'
import { settingsEndpoints } from './settings-endpoints.ts'
import { subjectEndpoints } from './subject-endpoints.ts'

/** The Schema Registry routes of DESIGN 4, answered from the schemas of this repository. */
export const registryEndpoints: readonly Endpoint[] = [
  ...schemaEndpoints,
  ...subjectEndpoints,
  ...registrationEndpoints,
  ...settingsEndpoints,
]
