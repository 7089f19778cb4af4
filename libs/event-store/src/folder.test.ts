import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TombstoneSet } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generationsIn } from './generations.ts'
import { ServingView, ViewReader, viewMapBytes } from './index.ts'
import { UNBOUNDED } from './testing/world.ts'

const event = unsigned({ kind: 1 }, testKey('folder').pubkey)
const batch = {
  events: [{ event, json: JSON.stringify(event), partition: 2, offset: 6 }],
  nextOffsets: new Map([[2, 7]]),
}
const tombstones = new TombstoneSet()
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-view-folder-'))
  const view = await opened()
  view.apply(batch)
  await view.close()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const opened = (logId = 'log') => ServingView.open({ folder, logId, bounds: UNBOUNDED, tombstones })
const boot = () => readFileSync(join(folder, 'boot'), 'utf8')

test('a view goes on where it was', async () => {
  expect(boot()).toBe('clean')
  const view = await opened()
  expect(boot()).not.toBe('clean')
  expect([view.dropped, view.find(event.id)?.offset, view.positions.get(2)]).toEqual([null, 6, 7])
  await view.close()
})

test.each([
  [
    'that a machine left behind when it stopped',
    () => writeFileSync(join(folder, 'boot'), 'another'),
    'boot',
  ],
  ['whose mark is missing', () => rmSync(join(folder, 'boot')), 'boot'],
])('one %s is started anew', async (_, leave, dropped) => {
  leave()
  const view = await opened()
  expect([view.dropped, view.find(event.id), view.positions.size]).toEqual([dropped, undefined, 0])
  await view.close()
  const again = await opened()
  expect(again.dropped).toBeNull()
  await again.close()
})

test('one that lies where views did before there were generations is dropped', async () => {
  renameSync(join(folder, '1', 'data.mdb'), join(folder, 'data.mdb'))
  rmSync(join(folder, '1'), { recursive: true })
  rmSync(join(folder, 'current'))
  const view = await opened()
  expect([view.dropped, view.find(event.id), existsSync(join(folder, 'data.mdb'))]).toEqual([
    'format',
    undefined,
    false,
  ])
  await view.close()
})

test('what a compaction has begun, or not removed yet, is gone once the view is open again', async () => {
  for (const generation of ['2', '3'])
    cpSync(join(folder, '1'), join(folder, generation), { recursive: true })
  writeFileSync(join(folder, 'current'), '2')
  writeFileSync(join(folder, '3', 'data.mdb'), 'half written')
  const view = await opened()
  expect([view.dropped, view.find(event.id)?.offset]).toEqual([null, 6])
  expect(generationsIn(folder)).toEqual([2])
  await view.close()
})

test('one of another log is started anew', async () => {
  const view = await opened('another log')
  expect([view.dropped, view.find(event.id)]).toEqual(['log', undefined])
  await view.close()
})

test('a reader sees what is committed once it refreshes', async () => {
  const view = await opened()
  const reader = ViewReader.attach(folder, viewMapBytes(UNBOUNDED), tombstones)
  const next = unsigned({ kind: 1, content: 'next' }, event.pubkey)
  view.apply({
    events: [{ event: next, json: JSON.stringify(next), partition: 2, offset: 7 }],
    nextOffsets: new Map([[2, 8]]),
  })
  reader.refresh()
  expect([reader.positions.get(2), reader.find(next.id)?.json]).toEqual([8, JSON.stringify(next)])
  await reader.close()
  await view.close()
})
