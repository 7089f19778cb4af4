import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TombstoneSet } from '@millrace/nostr'
import { testKey, unsigned } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { type LoggedEvent, ServingView } from './index.ts'
import { contentsOf } from './testing/contents.ts'
import { UNBOUNDED } from './testing/world.ts'

const { pubkey } = testKey('posting-writer')

/** Some 4,000 lists in all, so that one transaction writes them in several children; versions leave lists again. */
function history(): LoggedEvent[] {
  return Array.from({ length: 600 }, (_, offset) => {
    const common = ['t', `common ${offset % 5}`]
    const tags = [common, ...Array.from({ length: 6 }, (_, index) => ['r', `${offset} ${index}`])]
    const kind = offset % 4 === 0 ? 10_002 + (offset % 3) : 1
    const event = unsigned({ kind, created_at: 1_000 + (offset % 97), content: `${offset}`, tags }, pubkey)
    return { event, json: JSON.stringify(event), partition: 0, offset }
  })
}

async function applied(folder: string, events: readonly LoggedEvent[], transactionEvents: number) {
  const tombstones = new TombstoneSet()
  const view = await ServingView.open({ folder, logId: 'log', bounds: UNBOUNDED, tombstones })
  for (let from = 0; from < events.length; from += transactionEvents) {
    const slice = events.slice(from, from + transactionEvents)
    view.apply({ events: slice, nextOffsets: new Map([[0, from + slice.length]]) })
  }
  await view.close()
  return contentsOf(folder)
}

test('a transaction of many lists leads to what small ones lead to', async () => {
  const root = mkdtempSync(join(tmpdir(), 'millrace-view-children-'))
  const events = history()
  const large = await applied(join(root, 'large'), events, events.length)
  expect(large.length).toBeGreaterThan(3_000)
  expect(large).toEqual(await applied(join(root, 'small'), events, 7))
  rmSync(root, { recursive: true })
})
