import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { idKey } from '../corpus/id-key.ts'
import { compacted, eventKeyIn, isCompact, isFor, okIn, type Verb, verbAt } from './relay-message.ts'

const ID = '0123456789abcdef'.repeat(4)
const bytesOf = (message: unknown) => Buffer.from(JSON.stringify(message))
/** Not at the beginning of its buffer, as in a stream. */
const embedded = (bytes: Buffer) =>
  Buffer.concat([Buffer.from('######'), bytes, Buffer.from('["EVENT","x",{"id":"')])

test('verbs are told apart by their first letters', () => {
  const verbs: Record<string, Verb> = { EVENT: 'EVENT', EOSE: 'EOSE', OK: 'OK', CLOSED: 'CLOSED' }
  for (const word of ['EVENT', 'EOSE', 'OK', 'CLOSED', 'COUNT', 'NOTICE', 'AUTH', 'NEG-MSG'])
    expect(verbAt(bytesOf([word, 'x']), 0)).toBe(verbs[word] ?? 'OTHER')
})

test('an OK gives id, verdict and whether there are words', () => {
  for (const isAccepted of [true, false])
    for (const words of ['', 'duplicate: have it']) {
      const bytes = bytesOf(['OK', ID, isAccepted, words])
      const whole = embedded(bytes)
      expect(okIn(whole, 6, 6 + bytes.length)).toEqual({
        key: idKey(ID),
        isAccepted,
        hasMessage: words !== '',
      })
    }
})

test('a message is for the subscription that it names, not for one that begins like it', () => {
  const bytes = bytesOf(['EVENT', 'r12', { id: ID }])
  for (const [name, isIt] of Object.entries({ r12: true, r1: false, r123: false, s12: false }))
    expect(isFor(bytes, 0, 'EVENT', Buffer.from(name)), name).toBe(isIt)
  expect(isFor(bytesOf(['EOSE', 'r12']), 0, 'EOSE', Buffer.from('r12'))).toBe(true)
  expect(isFor(bytesOf(['CLOSED', 'r12', 'error: x']), 0, 'CLOSED', Buffer.from('r12'))).toBe(true)
})

test('the id is found wherever the relay writes it, and never in a text', () => {
  const arbitrary = fc.record({
    content: fc.oneof(fc.constantFrom('"id":"', '\\"id":"ffff', `"id":"${'f'.repeat(64)}"`), fc.string()),
    tag: fc.constantFrom('id', '"id":"', 'x'),
    order: fc.shuffledSubarray(['id', 'content', 'tags', 'kind'], { minLength: 4 }),
    space: fc.constantFrom(undefined, 1),
  })
  fc.assert(
    fc.property(arbitrary, ({ content, tag, order, space }) => {
      const event: Record<string, unknown> = { id: ID, content, tags: [[tag, content]], kind: 1 }
      const ordered = Object.fromEntries(order.map((field) => [field, event[field]]))
      const bytes = Buffer.from(`["EVENT","r1",${JSON.stringify(ordered, null, space)}]`)
      expect(eventKeyIn(embedded(bytes), 6, 6 + bytes.length)).toBe(idKey(ID))
    }),
  )
  const withoutId = bytesOf(['EVENT', 'r1', { content: '' }])
  expect(eventKeyIn(embedded(withoutId), 6, 6 + withoutId.length)).toBeNaN()
})

test('spaces between values are taken out, and only where there are any', () => {
  for (const message of [
    ['EVENT', 'r1', { id: ID }],
    ['EOSE', 'r1'],
    ['OK', ID, true, ''],
    ['CLOSED', 'r1', 'x'],
  ]) {
    const spaced = Buffer.from(JSON.stringify(message, null, 1))
    const verb = message[0] as Verb
    expect(isCompact(bytesOf(message), 0, verb)).toBe(true)
    expect(isCompact(spaced, 0, verbAt(spaced, 0))).toBe(false)
    expect(String(compacted(spaced, 0, spaced.length))).toBe(JSON.stringify(message))
    const afterComma = Buffer.from(JSON.stringify(message).replace(',', ', '))
    expect(isCompact(afterComma, 0, verb)).toBe(false)
  }
})
