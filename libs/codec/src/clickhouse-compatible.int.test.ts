import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { examplesOf, schemaById } from '@millrace/schemas'
import { testClickHouseUrl } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeExample } from './example.ts'

let registry: Server
let registryUrl: string

beforeAll(async () => {
  registry = createServer((request, response) => {
    const schema = schemaById(Number(request.url?.match(/^\/schemas\/ids\/(\d+)/)?.[1]))
    response.writeHead(schema ? 200 : 404, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
    response.end(JSON.stringify(schema ? { schema: schema.avsc } : { error_code: 40403 }))
  })
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
  registryUrl = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
})

afterAll(() => new Promise((resolve) => registry.close(resolve)))

const COLUMNS = `id FixedString(32), pubkey FixedString(32), created_at UInt64, kind UInt16,
  tags Array(Array(String)), content String, sig FixedString(64), received_at_ms Int64, source String, edge String`

async function sql(query: string, body?: Buffer): Promise<string> {
  const url = new URL(testClickHouseUrl())
  url.searchParams.set('query', query)
  url.searchParams.set('format_avro_schema_registry_url', registryUrl)
  url.searchParams.set('session_id', 'codec-compatibility')
  const response = await fetch(url, { method: 'POST', ...(body && { body: new Uint8Array(body) }) })
  const answer = await response.text()
  if (!response.ok) throw new Error(answer)
  return answer
}

test('ClickHouse reads our records as AvroConfluent, from our registry', async () => {
  const examples = examplesOf('nostr-event')
  await sql(`CREATE TEMPORARY TABLE received (${COLUMNS})`)
  await sql('INSERT INTO received FORMAT AvroConfluent', Buffer.concat(examples.map(encodeExample)))
  const answer = await sql(
    `SELECT lower(hex(id)) AS id, lower(hex(pubkey)) AS pubkey, created_at, kind, tags, content,
       lower(hex(sig)) AS sig, received_at_ms, source, edge FROM received ORDER BY id
     FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0`,
  )
  const rows = answer
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly id: string })
  const expected = examples.map(({ value }) => value as { readonly id: string })
  expect(rows).toEqual(expected.sort((a, b) => (a.id < b.id ? -1 : 1)))
})
