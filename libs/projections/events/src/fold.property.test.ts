import { AUTHORS, arbitraryEvent, naiveAddress, naiveClass, type SignedEvent } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldEvent } from './fold.ts'
import { recordsOf } from './testing/store.ts'

const fold = (event: SignedEvent) => {
  const [record] = recordsOf([event], 7)
  if (record === undefined) throw new Error('one record per event')
  return foldEvent(record)
}

const isWrap = ({ kind }: SignedEvent): boolean => kind === 1059 || kind === 21059

const recipientOf = ({ tags }: SignedEvent): string | undefined =>
  tags.find(([name, key]) => name === 'p' && AUTHORS.includes(key ?? ''))?.[1]

/** The code of the fault that the event is refused with; null when it becomes a row. */
function refusalOf(event: SignedEvent): string | null {
  if (naiveClass(event.kind) === 'ephemeral') return 'event-kind-refused'
  return isWrap(event) && recipientOf(event) === undefined ? 'event-owner-missing' : null
}

test('an event that is kept becomes one row at its address, and the same record always the same row', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      const row = fold(event)
      expect(row).toEqual(fold(event))
      expect(row.ok ? null : row.fault.code).toBe(refusalOf(event))
      if (!row.ok) return
      const { d, owner, logOffset } = row.value
      expect(owner).toBe(isWrap(event) ? recipientOf(event) : event.pubkey)
      expect(logOffset).toBe(7)
      const address = naiveAddress(event)
      expect(address === '' ? '' : `${event.kind}:${event.pubkey}:${d}`).toBe(address)
    }),
  )
})
