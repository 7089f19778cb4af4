import { readFileSync } from 'node:fs'
import { RelayClient, type SignedEvent, sign, testKey, until, within } from '@millrace/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RelayProcess } from '../testing/relay-process.ts'
import { type RelayServers, startRelayServers } from '../testing/relay-servers.ts'

const WORKERS = 2
const LANES = 8
const PAIRS = Number(process.env['WORKER_PAIRS'] ?? 1_200)

let servers: RelayServers
let relay: RelayProcess

beforeAll(async () => {
  servers = await startRelayServers(8)
  relay = await servers.startRelay({ RELAY_WORKERS: String(WORKERS) })
}, 120_000)

afterAll(() => servers?.stop())

/** One client on each worker: the primary hands out connections in turn. */
async function clientOnEachWorker(): Promise<readonly RelayClient[]> {
  const clients = new Map<string, RelayClient>()
  await until(
    async () => {
      const client = await RelayClient.connect(relay.url)
      const worker = String(client.headers['x-relay-worker'])
      if (clients.has(worker)) await client.close()
      else clients.set(worker, client)
      return clients.size === WORKERS
    },
    { what: 'a connection to every worker' },
  )
  return [...clients].sort(([a], [b]) => a.localeCompare(b)).map(([, client]) => client)
}

/** Publishes on one worker and, after its OK, asks the other: by id, and for what is current. */
async function pair(from: RelayClient, to: RelayClient, event: SignedEvent): Promise<void> {
  expect(await from.publish(event)).toMatchObject({ accepted: true })
  const byId = await to.req([{ ids: [event.id] }])
  expect(byId.events.map(({ id }) => id)).toEqual([event.id])
  const newest = await to.req([{ authors: [event.pubkey], kinds: [event.kind], limit: 1 }])
  expect(newest.events.map(({ id }) => id)).toEqual([event.id])
}

async function pairs(count: number, round: number): Promise<void> {
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      const key = testKey(`round ${round} lane ${lane}`)
      const clients = await clientOnEachWorker()
      for (let index = 0; index < count / LANES; index++) {
        const [from, to] = index % 2 === 0 ? clients : [...clients].reverse()
        // Every fourth one replaces what the other worker has.
        const kind = index % 4 === 0 ? 0 : 1
        const created_at = 1_700_000_000 + index
        const event = sign({ kind, created_at, content: `${lane} ${index}` }, key)
        await pair(from as RelayClient, to as RelayClient, event)
      }
      for (const client of clients) await client.close()
    }),
  )
}

test(`what one worker acknowledged every other sees: ${PAIRS} pairs of publish and REQ`, async () => {
  await pairs(PAIRS, 1)
}, 300_000)

test('a worker that is killed is started again, and all that was acknowledged is there', async () => {
  const [one, two] = await clientOnEachWorker()
  const key = testKey('killed')
  const events = Array.from({ length: 200 }, (_, index) =>
    sign({ kind: 1, created_at: 1_700_000_000 + index, content: String(index) }, key),
  )
  const [victim] = readFileSync(`/proc/${relay.pid}/task/${relay.pid}/children`, 'utf8').trim().split(' ')
  const acknowledged: string[] = []
  const published = events.map(async (event, index) => {
    const client = index % 2 === 0 ? one : two
    const ok = await client?.publish(event).catch(() => null)
    if (ok?.accepted === true) acknowledged.push(event.id)
    if (index === 60) process.kill(Number(victim), 'SIGKILL')
  })
  await Promise.all(published)
  expect(acknowledged.length).toBeGreaterThan(0)
  await until(async () => (await relay.readiness())?.ready === true, { what: 'both workers are ready' })
  for (const client of await clientOnEachWorker()) {
    const { events: served } = await client.req([{ authors: [key.pubkey], limit: 500 }])
    const ids = new Set(served.map(({ id }) => id))
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
    await client.close()
  }
  await pairs(80, 2)
}, 120_000)

test('a connection that a worker was handed as it was killed is ended, and does not wait for ever', async () => {
  for (let round = 0; round < 3; round++) {
    await until(async () => (await relay.readiness())?.ready === true, { what: 'both workers are ready' })
    const children = readFileSync(`/proc/${relay.pid}/task/${relay.pid}/children`, 'utf8')
    const [victim] = children.trim().split(' ')
    process.kill(Number(victim), 'SIGKILL')
    // node:cluster hands some to the dead one before it hears of its end.
    const settled = Array.from({ length: 12 }, async () => {
      const client = await RelayClient.connect(relay.url).catch(() => null)
      await client?.close()
    })
    await within(8_000, `every connection of round ${round}`, Promise.all(settled))
  }
  const areBothThere = async () => {
    const page = await relay.metrics()
    return ['1', '2'].every((worker) => page.includes(`worker="${worker}"`))
  }
  await until(areBothThere, { what: 'both workers are there again' })
  await until(async () => (await relay.readiness())?.ready === true, { what: 'and ready' })
  expect(await relay.metrics()).toMatch(/^relay_worker_restarts_total\{.*\} [4-9]$/m)
}, 60_000)

test('one page of metrics tells the workers apart, and the edge stops as one', async () => {
  const page = await relay.metrics()
  for (const worker of ['1', '2'])
    expect(page).toMatch(new RegExp(`^relay_view_serving\\{[^}]*worker="${worker}"[^}]*\\} 1$`, 'm'))
  expect(page.match(/^# TYPE relay_connections gauge$/gm)).toHaveLength(1)
  const [code, signal] = await relay.stop()
  expect([code, signal]).toEqual([0, null])
})
