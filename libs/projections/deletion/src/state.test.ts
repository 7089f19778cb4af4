import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TombstoneSet } from '@millrace/nostr'
import { type SignedEvent, testKey, unsigned } from '@millrace/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { absentAtMs, DeletionState, type Outgoing, type Policy } from './index.ts'

const alice = testKey('alice').pubkey
const DAY_S = 86_400
let folder: string
let state: DeletionState
let offset: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deletion-state-'))
  offset = 0
})
afterEach(async () => {
  await state.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(policy?: Policy, logId = 'log'): Promise<void> {
  const options = { folder, logId, relayUrls: [], tombstones: new TombstoneSet(), nowMs: () => 1_000 }
  state = await DeletionState.open({ ...options, ...(policy && { policy }) })
  await state.applyPolicy(
    async () => {},
    () => {},
  )
}

const event = (kind: number, created_at: number, tags: string[][] = []) =>
  unsigned({ kind, created_at, tags }, alice)

/** Appended at this second. */
function fold(at: number, ...events: SignedEvent[]): void {
  const receipt = { receivedAtMs: 1, source: 'client', edge: 'e' } as const
  state.foldEvents(
    events.map((one) => ({
      envelope: { event: one, receipt },
      partition: 0,
      offset: offset++,
      appendedAtMs: at * 1_000,
    })),
  )
}

/** What is to be appended, as text; it counts as sent then. */
function sent(): string[] {
  while (state.foldErasures(100));
  const outgoing = state.outgoing(1_000)
  state.sent(
    outgoing.map(({ number }) => number),
    [],
    1,
  )
  return outgoing.map(({ outgoing: one }) => textOf(one))
}

const textOf = (one: Outgoing): string => {
  if (one.type === 'tombstone') return `tombstone ${one.tombstone.reason}`
  return one.type === 'letter-null' ? `letter ${one.key}` : `null ${one.id.slice(0, 8)}`
}
const nullOf = ({ id }: SignedEvent) => `null ${id.slice(0, 8)}`
const everywhere = () => true

test('a policy lets kinds go by age, the first rule that names them, and never kinds 5 and 62', async () => {
  await open({
    retention: [
      { kindFrom: 7, kindTo: 7, keptS: DAY_S },
      { kindFrom: 0, kindTo: 100, keptS: 10 * DAY_S },
    ],
    supersededKeptS: null,
  })
  const [like, note, request, article] = [
    event(7, 1),
    event(1, 1),
    event(5, 1),
    event(30023, 1, [['d', 'x']]),
  ]
  fold(100, like, note, request, article)
  expect(state.foldDues(100 + DAY_S - 1, 100, everywhere)).toBe(0)
  state.foldDues(100 + DAY_S, 100, everywhere)
  expect(sent()).toEqual(['tombstone admin', nullOf(like)])
  state.foldDues(100 + 20 * DAY_S, 100, everywhere)
  expect(sent()).toEqual(['tombstone admin', nullOf(note)])
  expect(state.events).toBe(2)
})

test('a superseded version is nulled without a tombstone, unless it rules again by then', async () => {
  await open({ retention: [], supersededKeptS: 50 })
  const [one, two] = [event(0, 1), event(0, 2)]
  fold(100, one)
  fold(200, two)
  state.foldDues(249, 100, everywhere)
  expect(sent()).toEqual([])
  state.foldDues(250, 100, everywhere)
  expect(sent()).toEqual([nullOf(one)])
  fold(300, event(0, 1, [['x', 'late']]))
  state.foldDues(350, 100, everywhere)
  expect(sent()).toHaveLength(1)
})

test('another policy has every event looked at again', async () => {
  await open()
  const note = event(1, 1)
  fold(100, note, event(1, 2, [['expiration', '500']]))
  await state.close()
  await open({ retention: [{ kindFrom: 1, kindTo: 1, keptS: 10 }], supersededKeptS: null })
  state.foldDues(110, 100, everywhere)
  expect(sent().filter((text) => text.startsWith('null'))).toHaveLength(2)
})

test('what is due in a partition of another instance is left to it', async () => {
  await open()
  fold(100, event(1, 1, [['expiration', '500']]))
  expect(state.foldDues(600, 100, () => false)).toBe(0)
  expect(state.foldDues(600, 100, everywhere)).toBe(1)
})

test('dead letters go by age and with their event', async () => {
  await open()
  const [gone, kept] = [event(1, 1), event(1, 2)]
  const place = { partition: 0, offset: 0, appendedAtMs: 100_000 }
  state.foldLetters([
    { key: gone.id, event: gone, ...place },
    { key: kept.id, event: kept, ...place },
    { key: 'nostr.events.v1:0:7', event: null, ...place },
  ])
  fold(100, event(5, 3, [['e', gone.id]]))
  expect(sent()).toEqual(['tombstone deletion', `letter ${gone.id}`])
  state.foldAgedLetters(100)
  expect(sent()).toEqual([])
  state.foldAgedLetters(101)
  expect(sent().sort()).toEqual([`letter ${kept.id}`, 'letter nostr.events.v1:0:7'].sort())
})

test('the ledger has a request from the log to its absence', async () => {
  await open()
  const note = event(1, 1)
  const request = event(5, 2, [['e', note.id]])
  fold(100, note, request)
  expect(state.entry(request.id)).toMatchObject({ receivedAtMs: 100_000, tombstonedAtMs: null })
  const nulls = new Map([[0, 9]])
  const tombstones = new Map([[0, 4]])
  state.sent(
    [],
    [{ requestId: request.id, tombstones, nulls, probes: new Map([[0, 0]]), erasedEvents: 1 }],
    200,
  )
  const stages = new Set(['edges', 'view', 'clickhouseLogical', 'clickhousePhysical'] as const)
  state.noteStages(new Map([[request.id, stages]]), 300)
  expect(state.openErasures).toBe(1)
  const [entry] = state.noteStages(new Map([[request.id, new Set(['log'] as const)]]), 400)
  expect(entry && absentAtMs(entry)).toBe(400)
  expect([state.openErasures, state.entriesOf(alice, 10)]).toEqual([0, [entry]])
  expect(state.tombstonesOfEvent(note.id, 10)).toMatchObject([{ requestId: request.id }])
})

test('a state of another log, or past its end, is dropped', async () => {
  await open()
  fold(100, event(1, 1))
  await state.close()
  await open(undefined, 'another log')
  expect(state.events).toBe(0)
})
