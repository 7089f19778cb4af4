import { AUTHORS, arbitraryEvent, naiveAddress, naiveClass, type SignedEvent } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldEvent } from './fold.ts'
import { recordsOf } from './testing.ts'

const fold = (event: SignedEvent) => {
  const [record] = recordsOf([event], 7)
  if (record === undefined) throw new Error('one record per event')
  return foldEvent(record)
}

test('every event that is kept becomes one row at its address, and the same record always the same row', () => {
  fc.assert(
    fc.property(arbitraryEvent(), (event) => {
      const row = fold(event)
      expect(row).toEqual(fold(event))
      const isWrap = event.kind === 1059 || event.kind === 21059
      const recipient = event.tags.find(([name, key]) => name === 'p' && AUTHORS.includes(key ?? ''))?.[1]
      if (naiveClass(event.kind) === 'ephemeral') {
        expect(row).toMatchObject({
          ok: false,
          fault: { code: 'event-kind-refused', kind: 'invalid' },
        })
      if (isWrap && recipient === undefined) {
        expect(row).toMatchObject({
          ok: false,
          fault: { code: 'event-owner-missing', kind: 'invalid' },
        })
      if (!row.ok) throw new Error(row.fault.message)
      const { d, owner, logOffset } = row.value
      expect(owner).toBe(isWrap ? recipient : event.pubkey)
      expect(logOffset).toBe(7)
      const address = naiveAddress(event)
      expect(address === '' ? '' : `${event.kind}:${event.pubkey}:${d}`).toBe(address)
    }),
  )
})
