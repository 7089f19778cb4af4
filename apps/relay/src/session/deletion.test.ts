import { type EventTemplate, RelayClient, type SignedEvent, sign, testKey, until } from '@millrace/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type MemoryRelay, startMemoryRelay } from '../testing/memory-relay.ts'

const nowS = () => Math.floor(Date.now() / 1000)
let relay: MemoryRelay
let other: MemoryRelay
let client: RelayClient
let keys = 0

beforeAll(async () => {
  relay = await startMemoryRelay()
  other = await startMemoryRelay({ kafka: relay.kafka, env: { EDGE_ID: 'edge-2' } })
})
afterAll(async () => {
  await other.stop()
  await relay.stop()
})
beforeEach(async () => {
  client = await RelayClient.connect(relay.url)
  return () => client.close()
})

/** Keys that no other test has, since all share one relay. */
const fresh = () => testKey(`deletion test ${keys++}`)
type Key = ReturnType<typeof testKey>

const publish = async (template: EventTemplate, key: Key): Promise<SignedEvent> => {
  const event = sign(template, key)
  expect(await client.publish(event)).toMatchObject({ accepted: true })
  return event
}
const answerTo = async (template: EventTemplate, key: Key) => {
  const { accepted, message } = await client.publish(sign(template, key))
  return `${accepted} ${message}`
}
const shown = async (filter: Record<string, unknown>, on = client) =>
  (await on.req([filter])).events.map(({ id }) => id)
const deletion = (tags: string[][], created_at = nowS()): EventTemplate => ({ kind: 5, created_at, tags })

describe('no deletion consumer runs: the edge draws the conclusions itself', () => {
  test('a deleted event is gone with the OK, on another edge within a second, and does not come back', async () => {
    const alice = fresh()
    const note = await publish({ kind: 1, content: 'regretted' }, alice)
    const request = await publish(deletion([['e', note.id]]), alice)
    expect(await shown({ ids: [note.id, request.id] })).toEqual([request.id])
    const elsewhere = await RelayClient.connect(other.url)
    await until(async () => (await shown({ ids: [note.id] }, elsewhere)).length === 0, {
      what: 'gone on the other edge',
      deadlineMs: 1_000,
    })
    await elsewhere.close()
    expect(await client.publish(note)).toMatchObject({ accepted: false, message: 'blocked: deleted' })
  })

  test('a deletion that comes first, and twice, holds too', async () => {
    const alice = fresh()
    const note = sign({ kind: 1, content: 'never seen' }, alice)
    await publish(deletion([['e', note.id]], nowS() - 1), alice)
    await publish(deletion([['e', note.id]]), alice)
    expect(await client.publish(note)).toMatchObject({ message: 'blocked: deleted' })
  })

  test('what belongs to others is not deleted, and a request that names nothing else is refused', async () => {
    const [alice, bob] = [fresh(), fresh()]
    const note = await publish({ kind: 1, content: 'mine' }, alice)
    const refusal = 'false invalid: nothing that this names is yours to delete'
    expect(await answerTo(deletion([['e', note.id]]), bob)).toBe(refusal)
    expect(await answerTo(deletion([['a', `30023:${alice.pubkey}:x`]]), bob)).toBe(refusal)
    const own = await publish({ kind: 1, content: 'his' }, bob)
    const both = deletion([
      ['e', note.id],
      ['e', own.id],
      ['k', '7'],
    ])
    expect(await answerTo(both, bob)).toBe('true ')
    expect(await answerTo(deletion([['e', 'f'.repeat(64)]]), bob)).toBe('true ')
    expect(await shown({ ids: [note.id, own.id] })).toEqual([note.id])
  })

  test('deleting the newest version by its id leaves a floor: the older one does not come back', async () => {
    const alice = fresh()
    const at = nowS() - 100
    const older = await publish({ kind: 0, content: '{"name":"old"}', created_at: at }, alice)
    const newer = await publish({ kind: 0, content: '{"name":"new"}', created_at: at + 1 }, alice)
    await publish(deletion([['e', newer.id]]), alice)
    expect(await shown({ authors: [alice.pubkey], kinds: [0] })).toEqual([])
    expect(await client.publish(older)).toMatchObject({ accepted: false })
    const newest = await publish({ kind: 0, content: '{"name":"newest"}', created_at: at + 2 }, alice)
    expect(await shown({ authors: [alice.pubkey], kinds: [0] })).toEqual([newest.id])
  })

  test('`a` reaches versions up to the request, and newer ones live', async () => {
    const alice = fresh()
    const at = nowS() - 100
    const version = (created_at: number) => ({ kind: 30023, created_at, tags: [['d', 'x']] })
    await publish(version(at), alice)
    await publish(deletion([['a', `30023:${alice.pubkey}:x`]], at + 5), alice)
    expect(await shown({ authors: [alice.pubkey], kinds: [30023] })).toEqual([])
    expect(await answerTo(version(at + 5), alice)).toBe('false blocked: deleted')
    const later = await publish(version(at + 6), alice)
    expect(await shown({ authors: [alice.pubkey], kinds: [30023] })).toEqual([later.id])
  })

  test('kinds 5 and 62 are nobody’s targets', async () => {
    const alice = fresh()
    const note = await publish({ kind: 1 }, alice)
    const request = await publish(deletion([['e', note.id]]), alice)
    await publish(deletion([['e', request.id]]), alice)
    expect(await shown({ ids: [request.id, note.id] })).toEqual([request.id])
  })

  test('a recipient deletes a gift wrap', async () => {
    const [alice, bob, carol] = [fresh(), fresh(), fresh()]
    const tags = [
      ['p', alice.pubkey],
      ['p', bob.pubkey],
    ]
    const wrap = await publish({ kind: 1059, tags }, carol)
    await client.auth(alice)
    expect(await shown({ ids: [wrap.id] })).toEqual([wrap.id])
    await publish(deletion([['e', wrap.id]]), bob)
    expect(await shown({ ids: [wrap.id] })).toEqual([])
  })

  test('vanishing takes everything up to the request, deletions too, and new life is welcome', async () => {
    const alice = fresh()
    const at = nowS() - 100
    const note = await publish({ kind: 1, created_at: at }, alice)
    await publish(deletion([['e', 'e'.repeat(64)]], at + 1), alice)
    const elsewhere = { kind: 62, created_at: at + 50, tags: [['relay', 'wss://elsewhere.example']] }
    await publish(elsewhere, alice)
    expect(await shown({ ids: [note.id] })).toEqual([note.id])
    const request = await publish({ kind: 62, created_at: at + 50, tags: [['relay', 'ALL_RELAYS']] }, alice)
    expect(await shown({ authors: [alice.pubkey], kinds: [0, 1, 5] })).toEqual([])
    await publish(deletion([['e', request.id]]), alice)
    expect(await answerTo({ kind: 1, created_at: at + 50 }, alice)).toBe('false blocked: deleted')
    const life = await publish({ kind: 1, created_at: at + 51 }, alice)
    expect(await shown({ authors: [alice.pubkey], kinds: [1, 62] })).toContain(life.id)
  })

  test('a request to vanish by the URL of this relay, in any spelling; malformed ones are refused', async () => {
    const alice = fresh()
    const note = await publish({ kind: 1, created_at: nowS() - 5 }, alice)
    const tags = [['relay', `${relay.url.replace('ws://', 'WS://')}/`]]
    expect(await answerTo({ kind: 62 }, alice)).toMatch(/^false invalid: .*relay tags/)
    expect(await answerTo({ kind: 62, tags, created_at: nowS() + 60 }, alice)).toMatch(
      /^false invalid: .*future/,
    )
    await publish({ kind: 62, tags }, alice)
    expect(await shown({ ids: [note.id] })).toEqual([])
  })

  test('after a restart of the edge nothing is back', async () => {
    const alice = fresh()
    const at = nowS() - 100
    const older = await publish({ kind: 10002, created_at: at }, alice)
    const newer = await publish({ kind: 10002, created_at: at + 1 }, alice)
    const note = await publish({ kind: 1, created_at: at }, alice)
    await publish(
      deletion([
        ['e', newer.id],
        ['e', note.id],
      ]),
      alice,
    )
    const again = await startMemoryRelay({ kafka: relay.kafka, env: { EDGE_ID: 'edge-3' } })
    const reader = await RelayClient.connect(again.url)
    expect(await shown({ ids: [older.id, newer.id, note.id] }, reader)).toEqual([])
    await reader.close()
    await again.stop()
  })
})
