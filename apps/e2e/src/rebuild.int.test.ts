import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestStack } from './stack/test-stack.ts'

let stack: TestStack
const events: SignedEvent[] = Array.from({ length: 50 }, (_, i) =>
  sign(
    {
      kind: i % 5 === 0 ? 30_023 : 1,
      content: `${i}`,
      tags: i % 5 === 0 ? [['d', `${i % 10}`]] : [['t', 'x']],
    },
    testKey(`rebuild ${i % 7}`),
  ),
)

beforeAll(async () => {
  stack = await TestStack.start()
  const client = await RelayClient.connect(stack.relayUrl)
  for (const event of events) await client.publish(event)
  await client.close()
  await storedCount()
}, 180_000)

afterAll(() => stack?.remove(), 60_000)

const summary = async () => ({
  events: await stack.sql('SELECT id FROM nostr.events ORDER BY id'),
  current: await stack.sql('SELECT id FROM nostr.events_current ORDER BY id'),
  tags: await stack.sql('SELECT id, tag, value FROM nostr.event_tags ORDER BY id, tag, value'),
})

const storedCount = () =>
  until(
    async () =>
      ((await stack.sql<{ n: string }>('SELECT toString(count()) AS n FROM nostr.events'))[0]?.n ?? '0') ===
      '50',
    {
      what: 'all events in ClickHouse',
      deadlineMs: 30_000,
    },
  )

test('ClickHouse deleted while stopped: everything is rebuilt from the log, equal to before', async () => {
  const before = await summary()
  await stack.down()
  await rm(join(stack.dataDir, 'clickhouse'), { recursive: true })
  await stack.up()
  await storedCount()
  expect(await summary()).toEqual(before)
  const client = await RelayClient.connect(stack.relayUrl)
  const { events: served } = await client.req([{ kinds: [1] }])
  expect(served).toHaveLength(events.filter(({ kind }) => kind === 1).length)
  await client.close()
}, 120_000)

test('Kafka deleted while stopped: a refusal that says what to do, and nothing is written', async () => {
  await stack.down()
  await rm(join(stack.dataDir, 'kafka'), { recursive: true })
  const refusal = await stack.up().then(
    () => 'it started',
    (error: Error) => error.message,
  )
  expect(refusal).toMatch(/log/)
  expect(refusal).toMatch(/tables reset/)
}, 120_000)
