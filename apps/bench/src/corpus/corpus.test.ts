import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { naiveClass, type SignedEvent, testKey, unsigned } from '@millrace/testkit'
import { afterAll, expect, test } from 'vitest'
import { corpusOf, someEvents } from '../testing/small-corpus.ts'
import { ensureCorpusFile, loadCorpus } from './corpus-file.ts'
import { idKey, idKeyAt } from './id-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-corpus-'))
afterAll(() => rmSync(folder, { recursive: true }))

const pubkey = testKey('corpus').pubkey
const note = (created_at: number, content = '') => unsigned({ kind: 1, created_at, content }, pubkey)
const profile = (created_at: number, content = '') => unsigned({ kind: 0, created_at, content }, pubkey)

test('a key is the first 13 digits of an id', () => {
  expect(idKey('0000000000001'.padEnd(64, 'f'))).toBe(1)
  expect(idKey('f'.repeat(64))).toBe(2 ** 52 - 1)
  expect(idKeyAt(Buffer.from('  123456789abcdX'), 2)).toBe(0x123456789abcd)
  for (const none of ['', 'abc', 'ABCDEF0123456', 'zzzzzzzzzzzzz']) expect(idKey(none), none).toBeNaN()
})

test('a frame is the EVENT of its event, and neighbours are one piece', () => {
  const events = [note(1, 'x'), note(2, 'y'.repeat(500)), note(3, 'z'.repeat(70_000))]
  const corpus = corpusOf(events)
  for (const [index, event] of events.entries()) {
    const frame = corpus.frames(index, index + 1)
    const json = JSON.stringify(['EVENT', event])
    expect(frame.subarray(-json.length).toString()).toBe(json)
    expect(frame[0]).toBe(0x81)
    expect(corpus.idOf(index)).toBe(event.id)
    expect(corpus.indexOf(idKey(event.id))).toBe(index)
  }
  const all = Buffer.concat([0, 1, 2].map((index) => corpus.frames(index, index + 1)))
  expect(corpus.frames(0, 3).equals(all)).toBe(true)
})

test('the newest version rules, on a tie the lowest id', () => {
  const ties = ['a', 'b', 'c'].map((content) => profile(20, content))
  const lowest = [...ties].sort((a, b) => (a.id < b.id ? -1 : 1))[0] as SignedEvent
  const events = [profile(10), ...ties, note(30)]
  const corpus = corpusOf(events)
  const current = events.filter((_, index) => corpus.isSuperseded[index] === 0)
  expect(current).toEqual([lowest, events.at(-1)])
})

test('the pool has neither versions nor private kinds, and nothing is ephemeral or deletes', () => {
  const message = unsigned({ kind: 4, created_at: 3, tags: [['p', pubkey]] }, pubkey)
  const typing = unsigned({ kind: 20_001, created_at: 4 }, pubkey)
  const deletion = unsigned({ kind: 5, created_at: 5, tags: [['e', note(1).id]] }, pubkey)
  const events = [note(1), message, typing, deletion, profile(6), message, note(7)].map((event, at) => ({
    ...event,
    id: `${at}${event.id.slice(1)}`,
    created_at: at,
  }))
  const kinds = (baseCount: number) => [...corpusOf(events, baseCount).kinds]
  expect(kinds(7)).toEqual([1, 4, 0, 4, 1])
  expect(kinds(1)).toEqual([1, 1])
})

test('a corpus that is out of order or holds an id twice is refused', () => {
  expect(() => corpusOf([note(2), note(1)])).toThrow(/order/)
  expect(() => corpusOf([note(1), note(1)])).toThrow(/begin alike/)
})

test('a corpus is signed once and read as it was signed', async () => {
  const spec = { seed: 'a/b', baseEvents: 50, poolEvents: 50 }
  const path = await ensureCorpusFile(spec, () => {}, folder)
  const { mtimeMs } = statSync(path)
  expect(await ensureCorpusFile(spec, () => {}, folder)).toBe(path)
  expect(statSync(path).mtimeMs).toBe(mtimeMs)
  expect(readdirSync(folder)).toHaveLength(1)
  const corpus = await loadCorpus(path, 50, () => {})
  expect(corpus.baseCount).toBe(50)
  expect(corpus.count).toBeGreaterThanOrEqual(100)
  for (let index = 50; index < corpus.count; index++)
    expect(naiveClass(corpus.kinds[index] as number)).toBe('regular')
})

test('a file of any length is read line by line', async () => {
  const events = await someEvents(300)
  const path = join(folder, 'own.jsonl')
  writeFileSync(path, `${events.map((event) => JSON.stringify(event)).join('\n')}`)
  const corpus = await loadCorpus(path, events.length, () => {})
  expect(corpus.count).toBe(events.length)
  expect(corpus.idOf(299)).toBe(events[299]?.id)
})
