import { currentGeneration, generationFolder } from '../generations.ts'
import type { Tables } from '../tables.ts'
import { openEnvironment, readRecord, readState } from '../tables.ts'

/** All that a view holds, without what depends on how the history was cut: sequence numbers and chunks. */
export async function contentsOf(folder: string): Promise<string[]> {
  const tables = openEnvironment(generationFolder(folder, currentGeneration(folder) ?? 0), 2 ** 30)
  try {
    return [
      ...records(tables),
      ...postings(tables),
      ...winners(tables),
      ...doubts(tables),
      state(tables),
    ].sort()
  } finally {
    await tables.root.close()
  }
}

function* records(tables: Tables): Generator<string> {
  for (const sequence of tables.events.getKeys())
    yield `event ${readRecord(tables, sequence).toString('base64')}`
}

/** Every entry by its list's key and the event it names; a chunk's position is not part of the list's key. */
function* postings(tables: Tables): Generator<string> {
  for (const { key, value } of tables.postings.getRange()) {
    const isHead = (value.length - 1) % 16 === 0 || (value.length - 40) % 16 === 0
    const head = value.length % 16 === 0 ? 0 : (value.length - 40) % 16 === 0 && value[0] === 1 ? 40 : 1
    const list = isHead && head > 0 ? key : key.subarray(0, key.length - 39)
    for (let at = head; at < value.length; at += 16) {
      const id = readRecord(tables, value.readUInt32BE(at + 12)).toString('hex', 0, 32)
      yield `posting ${list.toString('hex')} ${id}`
    }
  }
}

function* winners(tables: Tables): Generator<string> {
  for (const { key, value } of tables.winners.getRange())
    yield `winner ${key.toString('hex')} ${value.toString('hex', 0, 40)} ${value[44]}`
}

function* doubts(tables: Tables): Generator<string> {
  for (const { value } of tables.doubts.getRange()) yield `doubt ${value.toString()}`
}

function state(tables: Tables): string {
  const { regular, versioned, events, addressesInDoubt } = readState(tables) ?? {}
  return `state ${JSON.stringify([regular, versioned, [...(events ?? [])].sort(), addressesInDoubt])}`
}
