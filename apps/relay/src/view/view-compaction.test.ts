import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { encodeTombstone, tombstoneKey } from '@millrace/codec'
import { ViewStore } from '@millrace/event-store'
import { type Clock, err, ManualClock, ok, transient, unwrap } from '@millrace/kernel'
import { silentLog } from '@millrace/observability'
import { RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { afterEach, expect, test } from 'vitest'
import { type MemoryRelay, PARTITIONS, startMemoryRelay } from '../testing/memory-relay.ts'
import { type ViewCompacted, ViewCompaction } from './view-compaction.ts'

const DEADLINE_S = 60
const NEEDLE = 'planted words of one who vanishes'
const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function vanish({ kafka }: MemoryRelay, author: string, untilS: number): Promise<void> {
  const tombstone = {
    author,
    target: { type: 'pubkey', pubkey: author, untilS },
    requestId: 'a'.repeat(64),
    requestCreatedAt: untilS,
    floor: null,
    reason: 'vanish',
    recordedAtMs: 1,
  } as const
  const producer = await kafka.producer()
  const partition = partitionOfOwner(author, PARTITIONS)
  const [key, value] = [tombstoneKey(tombstone), encodeTombstone(tombstone)]
  unwrap(await producer.append({ topic: TOPICS.tombstones, partition, key, value }))
  await producer.close()
}

test('REQs and EVENTs go on through a compaction, and what was erased is nowhere in the folder then', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-compaction-'))
  stops.push(() => rmSync(dataDir, { recursive: true, force: true }))
  let aheadMs = 0
  const clock: Clock = {
    nowMs: () => Date.now() + aheadMs,
    nowS: () => Math.floor((Date.now() + aheadMs) / 1000),
  }
  const env = { MILLRACE_DATA: dataDir, ERASURE_DEADLINE_S: `${DEADLINE_S}` }
  const relay = await startMemoryRelay({ clock, env })
  stops.push(() => relay.stop())
  const client = await RelayClient.connect(relay.url)
  stops.push(() => client.close())
  const [gone, stays] = [testKey('compaction gone'), testKey('compaction stays')]
  const publish = async (content: string, key: typeof gone): Promise<SignedEvent> => {
    const event = sign({ kind: 1, content }, key)
    expect(await client.publish(event)).toMatchObject({ accepted: true })
    return event
  }
  const kept: SignedEvent[] = []
  for (let n = 0; n < 60; n++) {
    await publish(`${n} ${NEEDLE}`, gone)
    kept.push(await publish(`${n} others`, stays))
  }
  const store = new ViewStore({ folder: join(dataDir, 'views'), open: null, pause: nextTurn })
  const untilS = clock.nowS() + 1_000
  const target = { type: 'pubkey', pubkey: gone.pubkey, untilS } as const
  const traces = async () => unwrap(await store.verify({ target, needles: [NEEDLE] })).traces.length
  await until(async () => (await traces()) > 0, { what: 'the view has what is to vanish' })
  await vanish(relay, gone.pubkey, untilS)
  const asked = async () => {
    const { events, closed } = await client.req([{ kinds: [1], limit: 500 }])
    return [closed, events.length]
  }
  await until(async () => (await asked())[1] === kept.length, { what: 'nobody is served it' })
  expect(await traces()).toBeGreaterThan(0)
  expect(await relay.metrics.expose()).toMatch(/relay_view_erased_since_seconds\S* \d/)

  aheadMs = (DEADLINE_S * 1000) / 4
  let requests = 0
  const isDone = async () =>
    /relay_view_compactions_total\{outcome="done"\S* 1/.test(await relay.metrics.expose())
  while (!(await isDone())) {
    expect(await asked()).toEqual([null, kept.length])
    if (requests++ % 10 === 0) kept.push(await publish(`meanwhile ${requests}`, stays))
  }
  expect(requests).toBeGreaterThan(10)
  expect(await asked()).toEqual([null, kept.length])
  expect(await traces()).toBe(0)
  expect(await relay.metrics.expose()).toMatch(/relay_view_erased_since_seconds\S* 0\n/)
  expect(relay.faults).toEqual([])
}, 30_000)

test('a compaction waits for a quarter of the deadline, is tried again after a sixteenth, and holds writers up', async () => {
  const clock = new ManualClock(1_000_000)
  const outcomes: ViewCompacted['outcome'][] = []
  let isFull = true
  const copied = Promise.withResolvers<void>()
  const view = {
    fileBytes: 1,
    erasedSinceMs: clock.nowMs() as number | null,
    compact: async () => {
      await copied.promise
      if (isFull) return err({ ...transient('internal', 'no room'), problem: 'disk-full' as const })
      return ok(undefined)
    },
    removeLeft: async () => {
      view.erasedSinceMs = null
    },
  }
  const compaction = new ViewCompaction({
    view,
    erasureDeadlineS: 160,
    clock,
    log: silentLog,
    follow: async () => {},
    onCompacted: ({ outcome }) => outcomes.push(outcome),
    onFailure: (cause) => expect.unreachable(String(cause)),
  })
  clock.advanceMs(39_999)
  await compaction.look()
  expect(outcomes).toEqual([])
  clock.advanceMs(1)
  const looking = compaction.look()
  let isIdle = false
  const idle = compaction.idle().then(() => {
    isIdle = true
  })
  await nextTurn()
  expect(isIdle).toBe(false)
  copied.resolve()
  await Promise.all([looking, idle])
  expect(outcomes).toEqual(['disk-full'])
  clock.advanceMs(9_999)
  await compaction.look()
  expect(outcomes).toHaveLength(1)
  isFull = false
  clock.advanceMs(1)
  await compaction.look()
  await compaction.look()
  expect(outcomes).toEqual(['disk-full', 'done'])
})

test('a stop gives up what is being copied, and says nothing of it', async () => {
  const clock = new ManualClock(1_000_000)
  let pauses = 0
  const compaction = new ViewCompaction({
    view: {
      fileBytes: 1,
      erasedSinceMs: 0,
      compact: async (pause) => {
        try {
          for (;;) {
            await pause()
            pauses++
          }
        } catch (cause) {
          return err({ ...transient('internal', String(cause)), problem: 'failed' as const })
        }
      },
      removeLeft: () => expect.unreachable('nothing was copied'),
    },
    erasureDeadlineS: 60,
    clock,
    log: { ...silentLog, error: () => expect.unreachable('a stop is no failure') },
    follow: async () => {},
    onCompacted: () => expect.unreachable('nothing was compacted'),
    onFailure: (cause) => expect.unreachable(String(cause)),
  })
  const looking = compaction.look()
  await nextTurn()
  await compaction.stop()
  await looking
  expect(pauses).toBeGreaterThan(0)
})
