import { encodeEnvelope, encodeTombstone, tombstoneKey } from '@millrace/codec'
import type { MemoryLog } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { ownerOf, type Tombstone } from '@millrace/nostr'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { afterEach, describe, expect, test } from 'vitest'
import { type MemoryRelay, memoryLog, PARTITIONS, startMemoryRelay } from '../testing/memory-relay.ts'

const alice = testKey('alice')
const relays: MemoryRelay[] = []
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop()
})

async function start(...options: Parameters<typeof startMemoryRelay>): Promise<MemoryRelay> {
  const relay = await startMemoryRelay(...options)
  relays.push(relay)
  return relay
}

const ids = (events: readonly SignedEvent[]) => events.map((event) => event.id)
const note = (content: string, created_at?: number) =>
  sign({ kind: 1, content, ...(created_at === undefined ? {} : { created_at }) }, alice)

/** Appends as an importer does, past every edge. */
async function append(kafka: MemoryLog, event: SignedEvent, partition?: number): Promise<void> {
  const producer = await kafka.producer({ lingerMs: 0 })
  const owned = partitionOfOwner(unwrap(ownerOf(event)), PARTITIONS)
  const value = encodeEnvelope({ event, receipt: { receivedAtMs: 1, source: 'import', edge: 'test' } })
  const record = { topic: TOPICS.events, partition: partition ?? owned, key: event.id, value }
  unwrap(await producer.append(record))
  await producer.close()
}

async function erase(kafka: MemoryLog, tombstone: Tombstone): Promise<void> {
  const producer = await kafka.producer({ lingerMs: 0 })
  const partition = partitionOfOwner(tombstone.author, PARTITIONS)
  const value = encodeTombstone(tombstone)
  unwrap(await producer.append({ topic: TOPICS.tombstones, partition, key: tombstoneKey(tombstone), value }))
  await producer.close()
}

const deletionOf = (event: SignedEvent, floor: Tombstone['floor'] = null): Tombstone => ({
  author: event.pubkey,
  requestId: 'd'.repeat(64),
  requestCreatedAt: event.created_at + 1,
  target: { type: 'event', id: event.id },
  floor,
  reason: 'deletion',
  recordedAtMs: 1,
})

describe('between two edges of one log', () => {
  test('events of one are served and delivered by the other', async () => {
    const kafka = await memoryLog()
    const [one, two] = [
      await start({ kafka, env: { EDGE_ID: 'a' } }),
      await start({ kafka, env: { EDGE_ID: 'b' } }),
    ]
    const [publisher, reader] = [await RelayClient.connect(one.url), await RelayClient.connect(two.url)]
    const subscription = reader.subscribe([{ kinds: [1] }])
    await subscription.stored()
    const event = note('over there')
    await publisher.publish(event)
    expect((await subscription.next()).id).toBe(event.id)
    expect(ids((await reader.req([{ ids: [event.id] }])).events)).toEqual([event.id])
    expect((await reader.publish(event)).message).toBe('duplicate: already have this event')
  })
})

describe('what the log holds', () => {
  test('is served after a restart without storage having run', async () => {
    const kafka = await memoryLog()
    const first = await startMemoryRelay({ kafka })
    const client = await RelayClient.connect(first.url)
    const events = Array.from({ length: 30 }, (_, i) => note(`kept ${i}`, 1000 + i))
    await Promise.all(events.map((event) => client.publish(event)))
    await first.stop()
    const again = await RelayClient.connect((await start({ kafka })).url)
    expect(ids((await again.req([{ authors: [alice.pubkey] }])).events)).toEqual(ids(events).reverse())
    expect((await again.publish(note('kept 3', 1003))).message).toMatch(/^duplicate: already/)
  })

  test('is delivered once, however often it is appended', async () => {
    const relay = await start()
    const client = await RelayClient.connect(relay.url)
    const subscription = client.subscribe([{ kinds: [1] }])
    await subscription.stored()
    const [twice, last] = [note('twice'), note('last')]
    for (const event of [twice, twice, last, twice]) await append(relay.kafka, event)
    expect(ids(await subscription.take(2))).toEqual(ids([twice, last]))
    await append(relay.kafka, note('after'))
    expect((await subscription.next()).content).toBe('after')
  })

  test('superseded versions of an import are not delivered', async () => {
    const relay = await start()
    const client = await RelayClient.connect(relay.url)
    const version = (created_at: number) => sign({ kind: 0, content: `${created_at}`, created_at }, alice)
    await client.publish(version(2000))
    const subscription = client.subscribe([{ kinds: [0], limit: 0 }])
    await subscription.stored()
    for (const created_at of [1000, 3000, 2500]) await append(relay.kafka, version(created_at))
    await append(relay.kafka, version(4000))
    expect((await subscription.take(2)).map((event) => event.content)).toEqual(['3000', '4000'])
  })

  test('housekeeping, poison and misplaced records are passed over', async () => {
    const relay = await start()
    const client = await RelayClient.connect(relay.url)
    const subscription = client.subscribe([{}])
    await subscription.stored()
    const producer = await relay.kafka.producer({ lingerMs: 0 })
    const partition = partitionOfOwner(alice.pubkey, PARTITIONS)
    const topic = TOPICS.events
    const misplaced = note('misplaced')
    const fine = note('fine')
    for (const [key, value] of [
      [`~tick:${partition}`, Buffer.from('tick')],
      [fine.id, null],
      ['poison', Buffer.from('not avro')],
    ] as const)
      unwrap(await producer.append({ topic, partition, key, value }))
    await append(relay.kafka, misplaced, (partition + 1) % PARTITIONS)
    await append(relay.kafka, sign({ kind: 20_000 }, alice))
    await append(relay.kafka, fine)
    expect((await subscription.next()).id).toBe(fine.id)
    expect(ids((await client.req([{}])).events)).toEqual([fine.id])
    expect(await relay.metrics.expose()).toMatch(
      /relay_records_skipped_total\{code="record-wrong-partition".* 1/,
    )
  })
})

describe('tombstones', () => {
  test('hide, refuse and stay, also after a restart', async () => {
    const kafka = await memoryLog()
    const relay = await startMemoryRelay({ kafka })
    const client = await RelayClient.connect(relay.url)
    const [gone, kept] = [note('gone'), note('kept')]
    await client.publish(gone)
    await client.publish(kept)
    await erase(kafka, deletionOf(gone))
    await until(async () => (await client.req([{ kinds: [1] }])).events.length === 1, {
      what: 'it is hidden',
    })
    expect(await client.publish(gone)).toMatchObject({ accepted: false, message: 'blocked: deleted' })
    await relay.stop()
    const again = await RelayClient.connect((await start({ kafka })).url)
    expect(ids((await again.req([{ kinds: [1] }])).events)).toEqual([kept.id])
    expect(await again.publish(gone)).toMatchObject({ accepted: false, message: 'blocked: deleted' })
  })

  test('of a stranger change nothing', async () => {
    const relay = await start()
    const client = await RelayClient.connect(relay.url)
    const event = note('mine')
    await client.publish(event)
    const stranger = testKey('stranger').pubkey
    await erase(relay.kafka, { ...deletionOf(event), author: stranger })
    const own = note('own')
    await client.publish(own)
    await erase(relay.kafka, deletionOf(own))
    await until(async () => (await client.publish(own)).message === 'blocked: deleted', {
      what: 'both are read',
    })
    expect(ids((await client.req([{ ids: [event.id] }])).events)).toEqual([event.id])
  })

  test('leave a floor: the version before the deleted one does not come back, a newer one does', async () => {
    const relay = await start()
    const client = await RelayClient.connect(relay.url)
    const version = (created_at: number) => sign({ kind: 0, content: `${created_at}`, created_at }, alice)
    const [old, winner, next] = [version(1000), version(2000), version(3000)]
    await append(relay.kafka, old)
    await client.publish(winner)
    const floor = { kind: 0, pubkey: alice.pubkey, d: '', createdAt: 2000, id: winner.id }
    await erase(relay.kafka, deletionOf(winner, floor))
    await until(async () => (await client.publish(winner)).message === 'blocked: deleted', {
      what: 'deleted',
    })
    expect((await client.req([{ kinds: [0] }])).events).toEqual([])
    expect(await client.publish(old)).toMatchObject({
      accepted: false,
      message: 'duplicate: replaced, have newer event',
    })
    expect(await client.publish(next)).toMatchObject({ accepted: true, message: '' })
    expect(ids((await client.req([{ kinds: [0] }])).events)).toEqual([next.id])
  })
})

test('a full overlay refuses EVENTs with error and keeps what it has', async () => {
  const relay = await start({ env: { OVERLAY_EVENTS_MAX: '3', SERVING_VIEW: 'off' } })
  const client = await RelayClient.connect(relay.url)
  const events = [1, 2, 3, 4, 5].map((i) => note(`n${i}`, 1000 + i))
  for (const event of events.slice(0, 3))
    expect(await client.publish(event)).toMatchObject({ accepted: true })
  const refused = await client.publish(note('one too many'))
  expect(refused.accepted).toBe(false)
  expect(refused.message).toMatch(/^error: /)
  expect((await client.req([{ kinds: [1] }])).events).toHaveLength(3)
})
