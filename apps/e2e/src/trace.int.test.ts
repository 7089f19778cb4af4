import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafkaLog } from '@millrace/kafka'
import { RelayClient, sign, testKey, until } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestStack } from './stack/test-stack.ts'

interface SpanLine {
  readonly app: string
  readonly name: string
  readonly trace_id: string
  readonly links: readonly string[]
  readonly attributes: Readonly<Record<string, unknown>>
}

let stack: TestStack
let folder: string
let traceFile: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-traces-'))
  traceFile = join(folder, 'spans.jsonl')
  stack = await TestStack.start({ TRACE_FILE: traceFile })
}, 180_000)

afterAll(async () => {
  await stack?.remove()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

const spans = (): SpanLine[] =>
  readFileSync(traceFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SpanLine)

test('one trace id is in the relay span, the Kafka header, the storage span and the insert span', async () => {
  const event = sign({ kind: 1, content: 'follow me' }, testKey('trace'))
  const client = await RelayClient.connect(stack.relayUrl)
  expect((await client.publish(event)).accepted).toBe(true)
  await client.close()
  const relaySpan = await until(
    () => spans().find((span) => span.app === 'relay' && span.attributes['event_id'] === event.id),
    { what: 'the relay span' },
  )
  const has = (span: SpanLine) => span.trace_id === relaySpan.trace_id
  await until(
    () => spans().some((span) => span.app === 'storage' && span.name.startsWith('storage.') && has(span)),
    {
      what: 'the storage span',
      deadlineMs: 20_000,
    },
  )
  await until(
    () => spans().some((span) => span.app === 'storage' && span.name.startsWith('clickhouse.') && has(span)),
    {
      what: 'the insert span',
      deadlineMs: 20_000,
    },
  )
  const log = createKafkaLog({
    brokers: [stack.kafkaBrokers],
    clientId: 'trace-test',
    ssl: false,
    sslCaFile: null,
    sasl: null,
  })
  let header: string | undefined
  await log.readToEnd(TOPICS.events, (batch) => {
    for (const record of batch.records)
      if (record.key?.toString() === event.id) header = record.headers['traceparent']
  })
  await log.close()
  expect(header).toContain(relaySpan.trace_id)
}, 60_000)
