import { createHash } from 'node:crypto'
import { ownerOfNaive, type SignedEvent } from '@millrace/testkit'
import { partitionOfOwner } from '@millrace/topics'

export const PARTITIONS = 3
export const RELAY_URL = 'wss://relay.example'
export const NOW_S = 1_700_000_100

/** Keys of one case, one in each partition: nobody else has them, so that cases can share stores. */
export function keysOf(caseName: string): readonly string[] {
  const keys: string[] = []
  for (let at = 0; keys.length < PARTITIONS; at++) {
    const key = createHash('sha256').update(`${caseName} ${at}`).digest('hex')
    if (partitionOfOwner(key, PARTITIONS) === keys.length) keys.push(key)
  }
  return keys
}

export const partitionOf = (event: SignedEvent): number => partitionOfOwner(ownerOfNaive(event), PARTITIONS)
