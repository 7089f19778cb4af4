import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { encodeTombstone, tombstoneKey } from '@millrace/codec'
import { ViewStore } from '@millrace/event-store'
import { unwrap } from '@millrace/kernel'
import { RelayClient, sign, testKey, until } from '@millrace/testkit'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RelayProcess } from '../testing/relay-process.ts'
import { type RelayServers, startRelayServers } from '../testing/relay-servers.ts'

const PARTITIONS = 4
const DEADLINE_S = 60
const EVENTS = 300
const NEEDLE = 'planted words of one who vanishes'
const gone = testKey('compaction gone')
const stays = testKey('compaction stays')
const untilS = Math.floor(Date.now() / 1000) + 1_000

let servers: RelayServers
beforeAll(async () => {
  servers = await startRelayServers(PARTITIONS)
}, 120_000)
afterAll(() => servers?.stop())

async function vanish(): Promise<void> {
  const tombstone = {
    author: gone.pubkey,
    target: { type: 'pubkey', pubkey: gone.pubkey, untilS },
    requestId: 'a'.repeat(64),
    requestCreatedAt: untilS,
    floor: null,
    reason: 'vanish',
    recordedAtMs: 1,
  } as const
  const producer = await servers.kafka.producer()
  const partition = partitionOfOwner(gone.pubkey, PARTITIONS)
  const [key, value] = [tombstoneKey(tombstone), encodeTombstone(tombstone)]
  unwrap(await producer.append({ topic: TOPICS.tombstones, partition, key, value }))
  await producer.close()
}

const viewsFolder = () => join(servers.dataDir, 'millrace', 'views')

async function tracesOf(edge: string): Promise<number> {
  const store = new ViewStore({ folder: join(viewsFolder(), edge), open: null, pause: nextTurn })
  const target = { type: 'pubkey', pubkey: gone.pubkey, untilS } as const
  return unwrap(await store.verify({ target, needles: [NEEDLE] })).traces.length
}

async function compactions(relay: RelayProcess): Promise<number> {
  const found = /^relay_view_compactions_total\{outcome="done"\S* (\d+)$/m.exec(await relay.metrics())
  return Number(found?.[1] ?? 0)
}

/** The files that the processes of an edge have in their memory. */
function mappedBy({ pid }: RelayProcess): string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  const pids = [String(pid), ...children.filter((child) => child !== '')]
  return pids.flatMap((each) => readFileSync(`/proc/${each}/maps`, 'utf8').split('\n'))
}

/** Asks on several connections, so that every worker answers, and publishes now and then, until the view was compacted. */
async function askThrough(edge: string, relay: RelayProcess): Promise<number> {
  const clients = await Promise.all(Array.from({ length: 6 }, () => RelayClient.connect(relay.url)))
  let kept = EVENTS
  let requests = 0
  const ask = async (client: RelayClient) => {
    const { events, closed } = await client.req([{ authors: [stays.pubkey], kinds: [1], limit: 500 }])
    expect([closed, events.length >= kept]).toEqual([null, true])
    const none = await client.req([{ authors: [gone.pubkey] }])
    expect([none.closed, none.events.length]).toEqual([null, 0])
    requests += 2
  }
  while ((await compactions(relay)) === 0) {
    expect(relay.isRunning, relay.output).toBe(true)
    for (let round = 0; round < 20; round++) await Promise.all(clients.map(ask))
    const event = sign({ kind: 1, content: `meanwhile ${edge} ${requests}` }, stays)
    if (kept < 480 && (await clients[0]?.publish(event))?.accepted) kept++
  }
  await Promise.all(clients.map(ask))
  for (const client of clients) await client.close()
  return requests
}

test('within the deadline what was erased is in no file of the views, under REQs that go on, and after a restart', async () => {
  const settings = { ERASURE_DEADLINE_S: `${DEADLINE_S}` }
  const edges: [string, NodeJS.ProcessEnv][] = [
    ['alone', settings],
    ['shared', { ...settings, RELAY_WORKERS: '2' }],
  ]
  const relays = await Promise.all(
    edges.map(async ([edge, env]) => [edge, await servers.startRelay({ EDGE_ID: edge, ...env })] as const),
  )
  const [[, first]] = relays as [[string, RelayProcess]]
  const publisher = await RelayClient.connect(first.url)
  const events = Array.from({ length: EVENTS }, (_, n) => [
    sign({ kind: 1, content: `${n} ${NEEDLE}` }, gone),
    sign({ kind: 1, content: `${n} others` }, stays),
  ]).flat()
  for (let from = 0; from < events.length; from += 50)
    await Promise.all(
      events.slice(from, from + 50).map(async (event) => {
        expect(await publisher.publish(event)).toMatchObject({ accepted: true })
      }),
    )
  await publisher.close()
  for (const [edge] of relays)
    await until(async () => (await tracesOf(edge)) > 0, { what: 'the views have it' })
  const erasedMs = performance.now()
  await vanish()
  for (const [, relay] of relays) {
    const client = await RelayClient.connect(relay.url)
    const served = async () => (await client.req([{ authors: [gone.pubkey] }])).events.length
    await until(async () => (await served()) === 0, { what: 'nobody is served it' })
    await client.close()
  }
  for (const [edge] of relays) expect(await tracesOf(edge)).toBeGreaterThan(0)

  for (const requests of await Promise.all(relays.map(([edge, relay]) => askThrough(edge, relay))))
    expect(requests).toBeGreaterThan(1_000)
  expect(performance.now() - erasedMs).toBeLessThan(DEADLINE_S * 1000)
  for (const [edge, relay] of relays) {
    await until(async () => (await tracesOf(edge)) === 0, { what: 'it is nowhere', deadlineMs: 2_000 })
    expect(await relay.metrics()).toMatch(/^relay_view_erased_since_seconds\S* 0$/m)
    expect(readdirSync(join(viewsFolder(), edge)).sort()).toEqual(['2', 'boot', 'current'])
    // Nobody has the file before mapped, which would keep its bytes on the disk.
    expect(mappedBy(relay).filter((line) => line.endsWith('(deleted)') && line.includes('data.mdb'))).toEqual(
      [],
    )
    expect(mappedBy(relay).filter((line) => line.endsWith(`${edge}/2/data.mdb`)).length).toBeGreaterThan(0)
    await relay.stop()
    const again = await servers.startRelay({ EDGE_ID: edge, ...settings })
    const client = await RelayClient.connect(again.url)
    const kept = (await client.req([{ authors: [stays.pubkey], kinds: [1], limit: 500 }])).events
    expect(kept.length).toBeGreaterThanOrEqual(EVENTS)
    await client.close()
    await again.stop()
    expect([again.output.includes('it is filled anew'), await tracesOf(edge)]).toEqual([false, 0])
  }
}, 120_000)
