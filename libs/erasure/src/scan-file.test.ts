import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventJson } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterAll, expect, test } from 'vitest'
import { type ErasureSubject, scanBytes, scanFile } from './index.ts'

const alice = testKey('alice').pubkey
const bob = testKey('bob').pubkey
const folder = mkdtempSync(join(tmpdir(), 'scan-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const vanished = (untilS: number): ErasureSubject => ({
  target: { type: 'pubkey', pubkey: alice, untilS },
  needles: [],
})
const found = (subject: ErasureSubject, ...events: Parameters<typeof eventJson>[0][]) =>
  [...scanBytes(Buffer.from(events.map(eventJson).join('\0')), subject)].length

test('finds what a request to vanish reaches, and nothing else', () => {
  const note = unsigned({ kind: 1, created_at: 10 }, alice)
  expect([found(vanished(10), note), found(vanished(9), note)]).toEqual([1, 0])
  expect(found(vanished(10), unsigned({ kind: 62, created_at: 10 }, alice))).toBe(0)
  expect(found(vanished(10), unsigned({ kind: 1, created_at: 10, tags: [['p', alice]] }, bob))).toBe(0)
  const wrap = (created_at: number) => unsigned({ kind: 1059, created_at, tags: [['p', alice]] }, bob)
  expect([found(vanished(10), wrap(10)), found(vanished(10), wrap(11))]).toEqual([1, 0])
})

test('finds one event by its id, not what refers to it', () => {
  const note = unsigned({ kind: 1, created_at: 10 }, alice)
  const subject: ErasureSubject = { target: { type: 'event', id: note.id }, needles: [] }
  expect(found(subject, note, unsigned({ kind: 1, created_at: 11, tags: [['e', note.id]] }, bob))).toBe(1)
})

test('finds bytes across the chunks of a large file, once each', async () => {
  const note = unsigned({ kind: 1, created_at: 10, content: 'planted words' }, alice)
  const path = join(folder, 'pages')
  const gap = Buffer.alloc(1024 * 1024 - 300)
  writeFileSync(
    path,
    Buffer.concat([gap, Buffer.from(eventJson(note)), gap, Buffer.from('planted words'), gap]),
  )
  const subject: ErasureSubject = { ...vanished(10), needles: ['planted words'] }
  expect((await scanFile(path, subject, 100)).map(({ what }) => what).sort()).toEqual([
    'event',
    'needle',
    'needle',
  ])
  expect(await scanFile(path, subject, 1)).toHaveLength(1)
})
