import { arbitraryEvent } from '@millrace/testkit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  authMessage,
  closedMessage,
  countMessage,
  eoseMessage,
  eventJson,
  eventMessage,
  noticeMessage,
  okMessage,
} from './index.ts'

const id = 'a'.repeat(64)

test('OK always has four elements', () => {
  expect(okMessage(id, true, '')).toBe(`["OK","${id}",true,""]`)
  expect(okMessage(id, true, 'duplicate: already have this event')).toBe(
    `["OK","${id}",true,"duplicate: already have this event"]`,
  )
  expect(okMessage(id, false, 'invalid: "quoted"')).toBe(`["OK","${id}",false,"invalid: \\"quoted\\""]`)
})

test('every message is the JSON of its parts, whatever the subscription is called', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.nat(),
      (sub, text, count) => {
        expect(JSON.parse(eoseMessage(sub))).toEqual(['EOSE', sub])
        expect(JSON.parse(closedMessage(sub, `error: ${text}`))).toEqual(['CLOSED', sub, `error: ${text}`])
        expect(JSON.parse(noticeMessage(text))).toEqual(['NOTICE', text])
        expect(JSON.parse(authMessage(text))).toEqual(['AUTH', text])
        expect(JSON.parse(countMessage(sub, count))).toEqual(['COUNT', sub, { count }])
      },
    ),
  )
})

test('an event goes out as it was stringified once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), arbitraryEvent(), (sub, event) => {
      expect(JSON.parse(eventMessage(sub, eventJson(event)))).toEqual(['EVENT', sub, event])
    }),
  )
})
