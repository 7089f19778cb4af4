import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MemoryLog, readLogId } from '@millrace/kafka'
import { unwrap } from '@millrace/kernel'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { partitionOfOwner } from '@millrace/topics'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EmptyStore } from '../testing/empty-store.ts'
import { type MemoryRelay, memoryLog, PARTITIONS, startMemoryRelay } from '../testing/memory-relay.ts'

const key = testKey('catch-up')
const partition = partitionOfOwner(key.pubkey, PARTITIONS)
const note = (content: string) => sign({ kind: 1, content }, key)

let dataDir: string
let kafka: MemoryLog
let logId: string
let store: EmptyStore
const running: MemoryRelay[] = []

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-catch-up-'))
  kafka = await memoryLog()
  logId = unwrap(await readLogId(kafka))
  store = new EmptyStore()
})

afterEach(async () => {
  for (const relay of running.splice(0)) await relay.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(): Promise<MemoryRelay> {
  const env = { MILLRACE_DATA: dataDir, WATERMARK_POLL_MS: '10' }
  const relay = await startMemoryRelay({ kafka, store, env })
  running.push(relay)
  return relay
}

async function stop(): Promise<void> {
  await running.pop()?.stop()
}

const mark = (nextOffset: number, ofLog = logId) =>
  store.marks.set(partition, { logId: ofLog, nextOffset, appliedAtMs: 1, appendedAtMs: 1 })

/** Takes three events, of which storage has `stored`, and stops again. */
async function takeThree(stored: number): Promise<SignedEvent[]> {
  const relay = await start()
  const client = await RelayClient.connect(relay.url)
  const events = ['a', 'b', 'c'].map(note)
  for (const event of events) expect(await client.publish(event)).toMatchObject({ accepted: true })
  await until(() => relay.edge.view?.serving()?.positions.get(partition) === 3, { what: 'the view has them' })
  mark(stored)
  const heard = () => relay.edge.view?.serving()?.state.stored.get(partition) === stored
  await until(heard, { what: 'the view hears how far storage is' })
  await client.close()
  await stop()
  return events
}

test('without the store an edge starts at its view, and goes on when the store is back', async () => {
  const taken = await takeThree(1)
  const ids = taken.map(({ id }) => id).sort()
  store.isAway = true
  const relay = await start()
  const client = await RelayClient.connect(relay.url)
  // Everything is in the view, so nothing of it is read once more.
  expect(relay.edge.overlay.events).toBe(0)
  const served = async () => (await client.req([{ kinds: [1] }])).events.map(({ id }) => id).sort()
  expect(await served()).toEqual(ids)
  for (const event of taken) expect((await client.publish(event)).message).toMatch(/^duplicate: /)
  const next = note('d')
  expect(await client.publish(next)).toMatchObject({ accepted: true, message: '' })
  store.isAway = false
  await until(() => relay.edge.watermarks.away === null, { what: 'the store is heard again' })
  expect(relay.edge.known.isComplete).toBe(false)
  mark(4)
  await until(() => relay.edge.known.isComplete, { what: 'stored ids are known' })
  expect(await served()).toEqual([...ids, next.id].sort())
  expect(relay.faults).toEqual([])
  await client.close()
})

test.each([
  ['is of another log', () => mark(1, '11111111-2222-4333-8444-555555555555'), 'log-foreign', 'fatal'],
  ['has more than the log', () => mark(1_000), 'watermark-past-end', 'fatal'],
  ['has less than it had', () => mark(1), 'clickhouse-unavailable', 'transient'],
])('a store that comes late and %s ends the edge', async (_, change, code, kind) => {
  await takeThree(2)
  store.isAway = true
  const relay = await start()
  change()
  store.isAway = false
  await until(() => relay.faults.length > 0, { what: 'the fault' })
  expect(relay.faults[0]).toMatchObject({ code, kind })
})
