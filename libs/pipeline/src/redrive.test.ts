import {
  type DeadLetter,
  deadLetterKey,
  encodeDeadLetter,
  encodeEnvelope,
  encodeTombstone,
} from '@millrace/codec'
import { createMemoryLog, type MemoryLog } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import type { NostrEvent, Tombstone } from '@millrace/nostr'
import { sign, testKey } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { redrive } from './redrive.ts'

const PARTITIONS = 8

const makeLog = (): MemoryLog =>
  createMemoryLog({
    topics: [
      { name: TOPICS.events, partitionCount: PARTITIONS, replicationFactor: 1, configs: {} },
      { name: TOPICS.tombstones, partitionCount: PARTITIONS, replicationFactor: 1, configs: {} },
      { name: TOPICS.deadLetters, partitionCount: 1, replicationFactor: 1, configs: {} },
    ],
  })

const note = (text: string): NostrEvent => sign({ kind: 1, content: text }, testKey('redrive'))

const letterOf = (event: NostrEvent, over: Partial<DeadLetter> = {}): DeadLetter => ({
  topic: TOPICS.events,
  partition: partitionOfOwner(event.pubkey, PARTITIONS),
  offset: 4,
  logId: 'log',
  recordKey: Buffer.from(event.id),
  recordValue: encodeEnvelope({ event, receipt: { receivedAtMs: 1, source: 'client', edge: 'e' } }),
  headers: { traceparent: 'x' },
  group: 'storage',
  step: 'checkEvent',
  code: 'event-malformed',
  message: 'no',
  refusedAtMs: 2,
  ...over,
})

async function bury(log: MemoryLog, ...letters: readonly DeadLetter[]): Promise<void> {
  const producer = await log.producer({ lingerMs: 0 })
  for (const letter of letters)
    await producer.append({
      topic: TOPICS.deadLetters,
      partition: 0,
      key: deadLetterKey(letter),
      value: encodeDeadLetter(letter),
    })
}

const run = async (log: MemoryLog, options: Partial<Parameters<typeof redrive>[0]> = {}) =>
  unwrap(await redrive({ log, producer: await log.producer({ lingerMs: 0 }), ...options }))

test('a letter goes back as it was and is settled; a second run finds nothing', async () => {
  const log = makeLog()
  const event = note('again')
  await bury(log, letterOf(event), letterOf(event, { group: 'aggregation' }))
  expect(await run(log, { isDryRun: true })).toMatchObject({ chosen: 2, redriven: 2 })
  expect(log.records(TOPICS.events)).toEqual([])
  expect(await run(log)).toMatchObject({ chosen: 2, redriven: 2, byCode: { 'event-malformed': 2 } })
  const [record] = log.records(TOPICS.events)
  expect(record).toMatchObject({ partition: letterOf(event).partition, headers: { traceparent: 'x' } })
  expect(record?.key?.toString()).toBe(event.id)
  expect(record?.value).toEqual(letterOf(event).recordValue)
  expect(await run(log)).toMatchObject({ chosen: 0, redriven: 0 })
})

test('only the codes and the topic asked for; the other letters of the same event stay', async () => {
  const log = makeLog()
  const event = note('two reasons')
  await bury(log, letterOf(event), letterOf(event, { group: 'aggregation', code: 'internal' }))
  await bury(log, letterOf(note('elsewhere'), { topic: 'another.v1' }))
  expect(await run(log, { codes: ['internal'], topic: TOPICS.events })).toMatchObject({
    chosen: 1,
    redriven: 1,
  })
  expect(await run(log, { codes: ['event-malformed'], topic: TOPICS.events })).toMatchObject({ redriven: 1 })
  expect(await run(log, { codes: ['internal'] })).toMatchObject({ redriven: 0 })
})

test('a record from a wrong partition goes to the right one', async () => {
  const log = makeLog()
  const event = note('astray')
  const right = partitionOfOwner(event.pubkey, PARTITIONS)
  await bury(log, letterOf(event, { partition: (right + 1) % PARTITIONS, code: 'record-wrong-partition' }))
  await run(log)
  expect(log.records(TOPICS.events)).toMatchObject([{ partition: right }])
})

test('what was erased meanwhile does not come back, and what has no value stays', async () => {
  const log = makeLog()
  const erased = note('erased')
  const large = note('large')
  const tombstone: Tombstone = {
    author: erased.pubkey,
    requestId: 'e'.repeat(64),
    requestCreatedAt: 1,
    target: { type: 'event', id: erased.id },
    floor: null,
    reason: 'deletion',
    recordedAtMs: 1,
  }
  const producer = await log.producer({ lingerMs: 0 })
  await producer.append({
    topic: TOPICS.tombstones,
    partition: 0,
    key: 'k',
    value: encodeTombstone(tombstone),
  })
  await bury(log, letterOf(erased), letterOf(large, { recordValue: null }))
  expect(await run(log)).toMatchObject({ chosen: 2, redriven: 0, erased: 1, withoutValue: 1 })
  expect(log.records(TOPICS.events)).toEqual([])
  expect(await run(log)).toMatchObject({ chosen: 1, erased: 0, withoutValue: 1 })
})
