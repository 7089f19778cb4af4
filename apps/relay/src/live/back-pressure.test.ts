import { encodeEnvelope } from '@millrace/codec'
import { type MemoryLog, readLogId } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { PARTITIONS, startMemoryRelay } from '../testing/memory-relay.ts'

const key = testKey('import')
const partition = partitionOfOwner(key.pubkey, PARTITIONS)

async function append(kafka: MemoryLog, events: readonly SignedEvent[]): Promise<void> {
  const producer = await kafka.producer({ lingerMs: 0 })
  for (const event of events) {
    const value = encodeEnvelope({ event, receipt: { receivedAtMs: 1, source: 'import', edge: 'test' } })
    unwrap(await producer.append({ topic: TOPICS.events, partition, key: event.id, value }))
  }
  await producer.close()
}

// Without a view, which would let the overlay go at once.
const start = async () => {
  const relay = await startMemoryRelay({
    env: { OVERLAY_EVENTS_MAX: '3', WATERMARK_POLL_MS: '10', SERVING_VIEW: 'off' },
  })
  const logId = unwrap(await readLogId(relay.kafka))
  const cover = (nextOffset: number) =>
    relay.store.marks.set(partition, { logId, nextOffset, appliedAtMs: 1, appendedAtMs: 1 })
  return { relay, cover }
}

test('a full overlay holds the live reader back until storage has covered some; nothing is lost', async () => {
  const { relay, cover } = await start()
  const client = await RelayClient.connect(relay.url)
  const subscription = client.subscribe([{ kinds: [1] }])
  await subscription.stored()
  const events = Array.from({ length: 10 }, (_, i) => sign({ kind: 1, content: `${i}` }, key))
  await append(relay.kafka, events)
  expect((await subscription.take(3)).map((event) => event.content)).toEqual(['0', '1', '2'])
  await until(() => relay.edge.room.isAwaited, { what: 'the reader waits' })
  expect(relay.edge.overlay.events).toBe(3)
  expect((await client.publish(sign({ kind: 1, content: 'refused' }, key))).message).toMatch(/^error: /)
  for (const nextOffset of [2, 5, 8]) cover(nextOffset)
  expect((await subscription.take(7)).map((event) => event.content)).toEqual([
    '3',
    '4',
    '5',
    '6',
    '7',
    '8',
    '9',
  ])
  cover(10)
  await until(() => relay.edge.overlay.isEmpty, { what: 'the overlay is empty' })
  expect(await client.publish(sign({ kind: 1, content: 'taken' }, key))).toMatchObject({ accepted: true })
  await client.close()
  await relay.stop()
})

test('a store that goes back ends the edge: what the overlay let go of would be missing', async () => {
  const { relay, cover } = await start()
  await append(relay.kafka, [sign({ kind: 1 }, key), sign({ kind: 7 }, key)])
  cover(2)
  await until(() => relay.edge.overlay.isEmpty, { what: 'the store is believed' })
  relay.store.marks.clear()
  await until(() => relay.faults.length > 0, { what: 'the fault' })
  expect(relay.faults[0]).toMatchObject({ code: 'clickhouse-unavailable', kind: 'transient' })
  await relay.stop()
})
