import { LIMITS } from '@millrace/kernel'
import { arbitraryFrame } from '@millrace/testkit'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseClientMessage, parseEvent, parseFilters } from './index.ts'

const parse = (...message: unknown[]) => parseClientMessage(JSON.stringify(message))

test('reads every verb and leaves events and filters unread', () => {
  expect(parse('EVENT', { anything: 1 }, 'more')).toEqual({
    ok: true,
    value: { verb: 'EVENT', event: { anything: 1 } },
  })
  expect(parse('AUTH', null)).toEqual({ ok: true, value: { verb: 'AUTH', event: null } })
  expect(parse('REQ', 's', {}, 7)).toEqual({
    ok: true,
    value: { verb: 'REQ', subscriptionId: 's', filters: [{}, 7] },
  })
  expect(parse('COUNT', 's', {})).toEqual({
    ok: true,
    value: { verb: 'COUNT', subscriptionId: 's', filters: [{}] },
  })
  expect(parse('CLOSE', 's', 'more')).toEqual({ ok: true, value: { verb: 'CLOSE', subscriptionId: 's' } })
})

describe('what cannot be answered by id or subscription is a NOTICE', () => {
  test.each([
    ['nothing', '', null, 'message-malformed'],
    ['no JSON', '["REQ",', null, 'message-malformed'],
    ['no list', '{"EVENT":1}', null, 'message-malformed'],
    ['an empty list', '[]', null, 'message-malformed'],
    ['a verb that is no string', '[1]', null, 'message-malformed'],
    ['an unknown verb', '["NEG-OPEN","s"]', 'NEG-OPEN', 'message-malformed'],
    ['a verb in lower case', '["event",{}]', 'event', 'message-malformed'],
    ['EVENT without an event', '["EVENT"]', 'EVENT', 'message-malformed'],
    ['REQ without anything', '["REQ"]', 'REQ', 'subscription-malformed'],
    ['REQ with a number as id', '["REQ",1,{}]', 'REQ', 'subscription-malformed'],
    ['REQ with an empty id', '["REQ","",{}]', 'REQ', 'subscription-malformed'],
    ['CLOSE without an id', '["CLOSE"]', 'CLOSE', 'subscription-malformed'],
    ['COUNT with an id too long', `["COUNT","${'x'.repeat(65)}",{}]`, 'COUNT', 'subscription-malformed'],
  ])('%s', (_, text, verb, code) => {
    expect(parseClientMessage(text)).toMatchObject({ ok: false, fault: { code, verb, subscriptionId: null } })
  })
})

test('REQ and COUNT without a filter name the subscription to be CLOSED', () => {
  for (const verb of ['REQ', 'COUNT'])
    expect(parse(verb, 'sub')).toMatchObject({
      ok: false,
      fault: { code: 'filter-malformed', verb, subscriptionId: 'sub' },
    })
})

test('a subscription id has up to 64 characters, not bytes or UTF-16 units', () => {
  const longest = LIMITS.subscriptionIdCharactersMax
  expect(parse('CLOSE', '🦩'.repeat(longest)).ok).toBe(true)
  expect(parse('CLOSE', '🦩'.repeat(longest + 1)).ok).toBe(false)
  expect(parse('CLOSE', 'x'.repeat(LIMITS.frameBytesMax)).ok).toBe(false)
})

test('an unknown verb is quoted back only in part', () => {
  const parsed = parse(`${'y'.repeat(31)}🦩${'z'.repeat(10_000)}`)
  expect(!parsed.ok && parsed.fault.message.length).toBeLessThan(100)
  expect(!parsed.ok && parsed.fault.verb?.isWellFormed()).toBe(true)
})

test.each(['[', '{"a":'])('a frame of nothing but %s is refused, not a crash', (open) => {
  const bomb = open.repeat(Math.floor(LIMITS.frameBytesMax / open.length))
  expect(parseClientMessage(bomb)).toMatchObject({ ok: false, fault: { code: 'message-malformed' } })
})

test('an event nested to the limit of a frame is refused, not a crash', () => {
  const depth = LIMITS.frameBytesMax / 2 - 100
  for (const shape of [
    '["EVENT",$]',
    '["EVENT",{"tags":$}]',
    '["EVENT",{"content":$}]',
    '["REQ","s",$]',
    '["REQ","s",{"ids":$}]',
  ]) {
    const parsed = parseClientMessage(shape.replace('$', '['.repeat(depth) + ']'.repeat(depth)))
    if (!parsed.ok) continue
    const inner = parsed.value
    const read =
      'event' in inner ? parseEvent(inner.event) : 'filters' in inner && parseFilters(inner.filters)
    expect(read).toMatchObject({ ok: false })
  }
})

test('every frame of the fuzzer is answered without throwing', () => {
  let read = 0
  fc.assert(
    fc.property(arbitraryFrame, (frame) => {
      const parsed = parseClientMessage(frame)
      if (!parsed.ok) return
      read++
      if ('event' in parsed.value) parseEvent(parsed.value.event)
      if ('filters' in parsed.value) parseFilters(parsed.value.filters)
    }),
    { numRuns: 2000 },
  )
  expect(read).toBeGreaterThan(200)
})
