import { encodeEnvelope, encodeExample } from '@millrace/codec'
import type { LogRecord } from '@millrace/kafka'
import { ok as okResult, unwrap } from '@millrace/kernel'
import { type Envelope, type NostrEvent, ownerOf, TombstoneSet } from '@millrace/nostr'
import { createMetrics } from '@millrace/observability'
import { foldEvent } from '@millrace/projection-events'
import { examplesOf } from '@millrace/schemas'
import { testKey, unsigned } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { storageTopology } from './topology.ts'

const PARTITIONS = 8
const author = testKey('author').pubkey
const receipt = { receivedAtMs: 1_760_000_000_000, source: 'client', edge: 'edge-1' } as const

const run = (record: LogRecord, tombstones = new TombstoneSet()) =>
  storageTopology({
    partitionCount: PARTITIONS,
    tombstones,
    metrics: createMetrics('test'),
    sink: { name: 'events', writeSpan: 'clickhouse.insert', apply: async () => okResult(undefined) },
  }).run(record)

const ownerPartition = (event: NostrEvent): number => {
  const owner = ownerOf(event)
  return partitionOfOwner(owner.ok ? owner.value : event.pubkey, PARTITIONS)
}

const recordOf = (event: NostrEvent, over: Partial<LogRecord> = {}): LogRecord => ({
  topic: TOPICS.events,
  partition: ownerPartition(event),
  offset: 1,
  timestampMs: 1_760_000_001_000,
  key: Buffer.from(event.id),
  value: encodeEnvelope({ event, receipt }),
  headers: {},
  ...over,
})

const note = unsigned({ kind: 1, content: 'hello', created_at: 100 }, author)

test('an event goes through as it came', () => {
  expect(run(recordOf(note))).toEqual({ type: 'ok', value: { event: note, receipt } })
})

test.each([
  ['a null value', { value: null }, 'erased'],
  ['a tick', { key: Buffer.from('~tick:3') }, 'tick'],
])('%s is dropped', (_, over, reason) => {
  expect(run(recordOf(note, over))).toEqual({ type: 'drop', reason })
})

test('an ephemeral event is dropped', () => {
  const typing = unsigned({ kind: 20_001, created_at: 100 }, author)
  expect(run(recordOf(typing))).toEqual({ type: 'drop', reason: 'ephemeral' })
})

const wrap = (tags: string[][]) => unsigned({ kind: 1059, tags, created_at: 100 }, author)
const unknownSchema = Buffer.from(encodeEnvelope({ event: note, receipt }))
unknownSchema.writeUInt32BE(1, 1)

test.each<[string, LogRecord, string, string]>([
  [
    'bytes that are no envelope',
    recordOf(note, { value: Buffer.from('{}') }),
    'decodeEvent',
    'record-undecodable',
  ],
  ['an unknown schema', recordOf(note, { value: unknownSchema }), 'decodeEvent', 'schema-unknown'],
  ['a kind beyond 65535', recordOf({ ...note, kind: 70_000 }), 'checkEvent', 'event-malformed'],
  ['an empty tag', recordOf({ ...note, tags: [[]] }), 'checkEvent', 'event-malformed'],
  ['another key than the id', recordOf(note, { key: Buffer.from('x') }), 'checkEvent', 'record-undecodable'],
  ['no key', recordOf(note, { key: null }), 'checkEvent', 'record-undecodable'],
  [
    'another partition than its owner has',
    recordOf(note, { partition: (ownerPartition(note) + 1) % PARTITIONS }),
    'checkPartition',
    'record-wrong-partition',
  ],
  [
    'a gift wrap without a recipient',
    recordOf(wrap([['p', 'nobody']])),
    'checkPartition',
    'event-owner-missing',
  ],
])('%s is poison', (_, record, step, code) => {
  expect(run(record)).toMatchObject({ type: 'dead', step, fault: { code, kind: 'invalid' } })
})

test('a gift wrap lies in the partition of its first recipient', () => {
  const recipient = testKey('recipient').pubkey
  const wrapped = wrap([
    ['p', 'short'],
    ['p', recipient],
    ['p', author],
  ])
  expect(run(recordOf(wrapped, { partition: partitionOfOwner(recipient, PARTITIONS) }))).toMatchObject({
    type: 'ok',
  })
})

test('what a tombstone or a floor covers is dropped', () => {
  const tombstones = new TombstoneSet()
  const article = (created_at: number) => unsigned({ kind: 30_023, tags: [['d', 'x']], created_at }, author)
  const request = { author, requestId: 'e'.repeat(64), requestCreatedAt: 200, recordedAtMs: 1 } as const
  const winner = article(150)
  tombstones.apply({
    ...request,
    target: { type: 'event', id: note.id },
    floor: null,
    reason: 'deletion',
  })
  tombstones.apply({
    ...request,
    target: { type: 'event', id: winner.id },
    floor: { kind: 30_023, pubkey: author, d: 'x', createdAt: 150, id: winner.id },
    reason: 'deletion',
  })
  expect(run(recordOf(note), tombstones)).toEqual({ type: 'drop', reason: 'tombstoned' })
  expect(run(recordOf(winner), tombstones)).toEqual({ type: 'drop', reason: 'tombstoned' })
  expect(run(recordOf(article(120)), tombstones)).toEqual({ type: 'drop', reason: 'below-floor' })
  expect(run(recordOf(article(151)), tombstones)).toMatchObject({ type: 'ok' })
})

test.each(examplesOf('nostr-event'))('example $file: outcome and row as ever', (example) => {
  const event = example.value as unknown as NostrEvent
  const outcome = run(recordOf(event, { value: encodeExample(example) }))
  expect(outcome).not.toBeInstanceOf(Promise)
  const settled = outcome as Exclude<typeof outcome, Promise<unknown>>
  const row = settled.type === 'ok' ? rowOf(settled.value, ownerPartition(event)) : null
  expect({ type: settled.type, row }).toMatchSnapshot()
})

const rowOf = (value: Envelope, partition: number) =>
  unwrap(foldEvent({ value, topic: TOPICS.events, partition, offset: 1, appendedAtMs: 1_760_000_001_000 }))
