import { SCHEMA_LINES, SUBJECTS } from '@millrace/schemas'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Serving, serve } from '../testing/serving.ts'
import { REGISTRY_CONTENT_TYPE } from './registry-answers.ts'
import { registryEndpoints } from './registry-endpoints.ts'

const SUBJECT = 'nostr.events.v1-value'
const { id: ID, avsc: AVSC } = SCHEMA_LINES['nostr-event'].versions[0]
const SCHEMA = JSON.stringify(JSON.parse(AVSC))

let api: Serving
beforeAll(async () => {
  api = await serve(registryEndpoints)
})
afterAll(() => api[Symbol.asyncDispose]())

const get = async (path: string) => {
  const response = await fetch(api.url + path)
  expect(response.headers.get('content-type')).toContain(REGISTRY_CONTENT_TYPE)
  return { status: response.status, body: (await response.json()) as unknown }
}

const post = async (path: string, body: unknown) => {
  const response = await fetch(api.url + path, {
    method: 'POST',
    headers: { 'content-type': REGISTRY_CONTENT_TYPE },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('a schema is found by the id that records carry, and may be kept for ever', async () => {
  const response = await fetch(`${api.url}/schemas/ids/${ID}`)
  expect(await response.json()).toEqual({ schema: SCHEMA })
  expect(response.headers.get('cache-control')).toContain('immutable')
})

test.each<[string, unknown]>([
  ['/schemas/types', ['AVRO']],
  ['/subjects', Object.keys(SUBJECTS).sort()],
  ['/subjects?subjectPrefix=relay.', ['relay.settings.v1-value']],
  ['/subjects?deletedOnly=true', []],
  [
    `/schemas/ids/${ID}/versions`,
    [
      { subject: 'nostr.ephemeral.v1-value', version: 1 },
      { subject: SUBJECT, version: 1 },
    ],
  ],
  [`/subjects/${SUBJECT}/versions`, [1]],
  [`/subjects/${SUBJECT}/versions/1`, { subject: SUBJECT, version: 1, id: ID, schema: SCHEMA }],
  [`/subjects/${SUBJECT}/versions/latest`, { subject: SUBJECT, version: 1, id: ID, schema: SCHEMA }],
  [`/subjects/${SUBJECT}/versions/-1`, { subject: SUBJECT, version: 1, id: ID, schema: SCHEMA }],
  ['/config', { compatibilityLevel: 'BACKWARD_TRANSITIVE' }],
  [`/config/${SUBJECT}`, { compatibilityLevel: 'BACKWARD_TRANSITIVE' }],
  ['/config/nobody?defaultToGlobal=true', { compatibilityLevel: 'BACKWARD_TRANSITIVE' }],
  ['/mode', { mode: 'READONLY' }],
])('GET %s', async (path, body) => {
  expect(await get(path)).toEqual({ status: 200, body })
})

test.each([
  ['/schemas/ids/7', 404, 40403, 'Schema 7 not found'],
  ['/schemas/ids/7/versions', 404, 40403, 'Schema 7 not found'],
  ['/schemas/ids/seven', 404, 404, 'HTTP 404 Not Found'],
  ['/subjects/nobody/versions', 404, 40401, "Subject 'nobody' not found."],
  ['/subjects/nobody/versions/1', 404, 40401, "Subject 'nobody' not found."],
  ['/subjects/constructor/versions', 404, 40401, "Subject 'constructor' not found."],
  [`/subjects/${SUBJECT}/versions/9`, 404, 40402, 'Version 9 not found.'],
  [`/subjects/${SUBJECT}/versions/0`, 422, 42202, "'0' is not a valid version id"],
  [`/subjects/${SUBJECT}/versions/2147483648`, 422, 42202, 'not a valid version id'],
  [`/subjects/${SUBJECT}/versions/first`, 422, 42202, "'first' is not a valid version id"],
  ['/config/nobody', 404, 40408, "Subject 'nobody' does not have subject-level compatibility configured"],
])('GET %s is refused', async (path, status, errorCode, message) => {
  expect(await get(path)).toEqual({
    status,
    body: { error_code: errorCode, message: expect.stringContaining(message) },
  })
})

/** As Avro's Java library prints it: other order of attributes, no documentation, names in full. */
const reprinted = (schema: string) =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries({
        ...(JSON.parse(schema) as Record<string, unknown>),
        namespace: undefined,
        doc: undefined,
        name: 'millrace.v1.NostrEvent',
      }).reverse(),
    ),
  )

test.each([
  ['as it is served', SCHEMA],
  ['as the file has it', AVSC],
  ['as another library prints it', reprinted(SCHEMA)],
])('a known schema keeps its id, %s', async (_, schema) => {
  expect(await post(`/subjects/${SUBJECT}/versions`, { schema })).toEqual({ status: 200, body: { id: ID } })
  expect(await post(`/subjects/${SUBJECT}`, { schema, schemaType: 'AVRO' })).toEqual({
    status: 200,
    body: { subject: SUBJECT, version: 1, id: ID, schema: SCHEMA },
  })
})

test.each([
  ['another schema', SUBJECT, { schema: '"string"' }, 422, 42205],
  ['a schema of another subject', 'nostr.tombstones.v1-value', { schema: SCHEMA }, 422, 42205],
  ['no Avro', SUBJECT, { schema: '{"type":"record"}' }, 422, 42201],
  ['no JSON inside', SUBJECT, { schema: 'record' }, 422, 42201],
  ['another language', SUBJECT, { schema: SCHEMA, schemaType: 'PROTOBUF' }, 422, 42201],
  ['no JSON at all', SUBJECT, '{', 422, 42201],
  ['nothing', SUBJECT, '', 422, 42201],
  ['too much', SUBJECT, 'x'.repeat(300_000), 413, 413],
])('registering %s is refused', async (_, subject, body, status, errorCode) => {
  for (const path of [`/subjects/${subject}/versions`, `/subjects/${subject}`])
    expect(await post(path, body)).toMatchObject({ status, body: { error_code: errorCode } })
})

test('an unknown subject cannot be made, and is not found', async () => {
  expect(await post('/subjects/nobody/versions', { schema: SCHEMA })).toMatchObject({
    status: 422,
    body: { error_code: 42205 },
  })
  expect(await post('/subjects/nobody', { schema: SCHEMA })).toMatchObject({
    status: 404,
    body: { error_code: 40401 },
  })
})
