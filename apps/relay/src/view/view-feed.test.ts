import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeEnvelope } from '@millrace/codec'
import { ServingView } from '@millrace/event-store'
import { type MemoryLog, readLogId } from '@millrace/kafka'
import { systemClock, unwrap } from '@millrace/kernel'
import { ownerOf, TombstoneSet } from '@millrace/nostr'
import { silentLog } from '@millrace/observability'
import { type SignedEvent, testKey, unsigned, until } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memoryLog, PARTITIONS } from '../testing/memory-relay.ts'
import type { FillBounds } from './fill-buffer.ts'
import { ViewFeed } from './view-feed.ts'

const RECORDS = 400
const bounds = { viewBytesMax: 2 ** 30, viewWinnersBytesMax: 2 ** 30, viewAgeDaysMax: 0 }
const keys = Array.from({ length: 12 }, (_, index) => testKey(`view feed ${index}`))

let root: string
let kafka: MemoryLog

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace-view-feed-'))
  kafka = await memoryLog()
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Notes, and profiles of which the newest stays; each in its author's partition. */
async function append(from: number, count: number): Promise<void> {
  const producer = await kafka.producer({ lingerMs: 0 })
  for (let n = from; n < from + count; n++) {
    const { pubkey } = keys[n % keys.length] ?? testKey('none')
    const kind = n % 5 === 0 ? 0 : 1
    const event = unsigned({ kind, created_at: 1_000 + n, content: `${n}` }, pubkey) as SignedEvent
    const value = encodeEnvelope({
      event: { ...event, sig: '00'.repeat(64) },
      receipt: { receivedAtMs: 1, source: 'import', edge: 'test' },
    })
    const partition = partitionOfOwner(unwrap(ownerOf(event)), PARTITIONS)
    unwrap(await producer.append({ topic: TOPICS.events, partition, key: event.id, value }))
  }
  await producer.close()
}

async function ends(): Promise<ReadonlyMap<number, number>> {
  const admin = await kafka.admin()
  const offsets = await admin.offsets(TOPICS.events)
  return new Map(offsets.map(({ partition, end }) => [partition, end]))
}

interface Filled {
  readonly ids: readonly string[]
  /** Events in each transaction up to the one after which the view served, that one included. */
  readonly transactions: readonly number[]
}

/** Fills a view, then has it follow the log, and answers what it serves in the end. */
async function fill(name: string, fillBounds: FillBounds | null, more: number): Promise<Filled> {
  const tombstones = new TombstoneSet()
  const folder = join(root, name)
  const view = await ServingView.open({ folder, logId: unwrap(await readLogId(kafka)), bounds, tombstones })
  const transactions: number[] = []
  let isServing = false
  const feed = new ViewFeed({
    kafka,
    edgeId: name,
    view,
    tombstones,
    partitionCount: PARTITIONS,
    clock: systemClock,
    log: silentLog,
    transactionEventsMax: 10,
    fill: fillBounds,
    erasureDeadlineS: 86_400,
    follow: async () => {},
    onApplied: (applied) => {
      if (!isServing && applied.events > 0) transactions.push(applied.events)
      isServing ||= applied.isServing
    },
  })
  await feed.start(await ends())
  await until(() => isServing, { what: 'the view serves' })
  if (more > 0) await append(RECORDS, more)
  const last = await ends()
  const isLevel = () => [...last].every(([partition, end]) => (view.positions.get(partition) ?? 0) >= end)
  await until(isLevel, { what: 'the view follows' })
  const limits = { eventsMax: 10_000, bytesMax: 2 ** 30, sliceMs: 10_000 }
  const { events } = view.page({ tags: {} }, null, { authedPubkeys: new Set(), nowS: 0 }, limits)
  const ids = events.map(({ id }) => id)
  await feed.stop()
  return { ids, transactions }
}

test('a view is filled in large transactions, serves once it has all, and then follows in small ones', async () => {
  await append(0, RECORDS)
  const large = await fill('large', { recordsMax: 150, bytesMax: 2 ** 20 }, 50)
  expect(large.transactions.reduce((sum, events) => sum + events, 0)).toBe(RECORDS)
  expect(Math.min(...large.transactions.slice(0, -1))).toBeGreaterThanOrEqual(150)
  const all = RECORDS + 50
  const byBytes = await fill('bytes', { recordsMax: all, bytesMax: 20_000 }, 0)
  expect(byBytes.transactions.length).toBeGreaterThan(1)
  const small = await fill('small', null, 0)
  expect(Math.max(...small.transactions)).toBeLessThanOrEqual(10)
  expect(large.ids).toHaveLength(Math.ceil((all * 4) / 5) + keys.length)
  expect(large.ids).toEqual(small.ids)
  expect(byBytes.ids).toEqual(small.ids)
})
