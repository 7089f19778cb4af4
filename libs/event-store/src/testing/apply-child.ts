import { readFileSync } from 'node:fs'
import { unwrap } from '@millrace/kernel'
import { type Tombstone, TombstoneSet } from '@millrace/nostr'
import { type LoggedEvent, ServingView } from '../index.ts'
import { UNBOUNDED } from './world.ts'

/**
 * Applies a history from a file to a view, on from where the view is, until it is killed or done. Lines: an event of the
 * log or a tombstone. Says `open` when it begins and `done` at the end. With a third argument it compacts after so many
 * transactions.
 */
export type HistoryLine = { readonly logged: LoggedEvent } | { readonly tombstone: Tombstone }

const EVENTS_PER_TRANSACTION = 7

const [folder = '', file = '', compactEvery = '0'] = process.argv.slice(2)
const lines = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as HistoryLine)

// All tombstones are known before events are applied (DESIGN 2.6).
const tombstones = new TombstoneSet()
const erasures = lines.flatMap((line) => ('tombstone' in line ? [line.tombstone] : []))
for (const tombstone of erasures) tombstones.apply(tombstone)

const view = await ServingView.open({ folder, logId: 'log', bounds: UNBOUNDED, tombstones })
process.stdout.write('open\n')
async function compact(): Promise<void> {
  unwrap(await view.compact(async () => {}))
  await view.removeLeft()
}

for (const tombstone of erasures) await view.erase(tombstone, async () => {}, 2)
const events = lines
  .flatMap((line) => ('logged' in line ? [line.logged] : []))
  .filter(({ partition, offset }) => offset >= (view.positions.get(partition) ?? 0))
let transactions = 0
for (let from = 0; from < events.length; from += EVENTS_PER_TRANSACTION) {
  const slice = events.slice(from, from + EVENTS_PER_TRANSACTION)
  const nextOffsets = new Map(slice.map(({ partition, offset }) => [partition, offset + 1]))
  view.apply({ events: slice, nextOffsets })
  if (++transactions % Number(compactEvery) === 0) await compact()
}
await view.close()
process.stdout.write('done\n')
