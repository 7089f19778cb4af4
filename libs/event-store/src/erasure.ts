import { KINDS, type Tombstone } from '@millrace/nostr'
import { ListCursor } from './list-cursor.ts'
import { authorList, tagList, winnerKey } from './list-keys.ts'
import { readId, sequenceOfId, type Tables } from './tables.ts'
import { readWinner } from './winners.ts'

/** Sequence numbers of the events that a tombstone may cover: few for one event, many for a request to vanish. */
export function* candidatesOf(tables: Tables, { target, floor }: Tombstone): Generator<number> {
  if (target.type === 'event') yield* found(sequenceOfId(tables, Buffer.from(target.id, 'hex')))
  if (target.type === 'address') yield* winnerAt(tables, target)
  if (target.type === 'pubkey') {
    // As lists, because erasing changes what is walked.
    yield* [...sequencesIn(tables, authorList(target.pubkey), target.untilS)]
    yield* [...sequencesIn(tables, tagList('p', target.pubkey), target.untilS, KINDS.giftWrap)]
  }
  if (floor !== null) yield* winnerAt(tables, floor)
}

const found = (sequence: number | undefined): number[] => (sequence === undefined ? [] : [sequence])

function winnerAt(tables: Tables, address: { kind: number; pubkey: string; d: string }): number[] {
  const winner = readWinner(tables, winnerKey(address.kind, address.pubkey, address.d))
  return winner?.whereabouts === 'here' ? [winner.sequence] : []
}

function* sequencesIn(tables: Tables, list: Buffer, untilS: number, kind?: number): Generator<number> {
  const from = { createdAt: untilS, id: Buffer.alloc(32) }
  const cursor = new ListCursor(tables.postings, list, (sequence) => readId(tables, sequence), from)
  for (; !cursor.isAtEnd; cursor.next()) if (kind === undefined || cursor.kind === kind) yield cursor.sequence
}
