import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unwrap } from '@millrace/kernel'
import { eventJson } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterAll, expect, test } from 'vitest'
import { type ErasureSubject, noteRejectsFile, RejectsStore } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'rejects-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const alice = testKey('alice').pubkey
const line = (event: Parameters<typeof eventJson>[0]) =>
  `${JSON.stringify({ line: 1, code: 'event-expired', message: 'the event has expired', text: eventJson(event) })}\n`

test('refused lines of a vanished key are found, erased and gone; the others stay', async () => {
  const path = join(folder, 'old.rejects.jsonl')
  const [gone, kept] = [10, 11].map((created_at) =>
    unsigned({ kind: 1, created_at, content: 'words' }, alice),
  )
  if (gone === undefined || kept === undefined) throw new Error('two events')
  writeFileSync(
    path,
    `${line(gone)}${JSON.stringify({ line: 2, code: 'event-malformed', text: 'x' })}\n${line(kept)}`,
  )
  await noteRejectsFile(folder, path)
  await noteRejectsFile(folder, path)
  const store = new RejectsStore(folder)
  const subject: ErasureSubject = { target: { type: 'pubkey', pubkey: alice, untilS: 10 }, needles: [] }
  expect(unwrap(await store.verify(subject)).traces).toHaveLength(1)
  const base = {
    author: alice,
    requestId: 'f'.repeat(64),
    requestCreatedAt: 10,
    floor: null,
    recordedAtMs: 0,
  }
  unwrap(
    await store.erase([{ ...base, target: { type: 'pubkey', pubkey: alice, untilS: 10 }, reason: 'vanish' }]),
  )
  expect(unwrap(await store.verify(subject)).traces).toEqual([])
  const left = readFileSync(path, 'utf8')
  expect([left.includes(gone.id), left.includes(kept.id), left.split('\n').length]).toEqual([false, true, 3])
})
