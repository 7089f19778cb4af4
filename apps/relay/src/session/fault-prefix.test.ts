import { FAULT_CODES, transient } from '@millrace/kernel'
import { MESSAGE_PREFIXES } from '@millrace/nostr'
import { expect, test } from 'vitest'
import { messageOf } from './fault-prefix.ts'

test.each(FAULT_CODES)('%s becomes a standard prefix and a text', (code) => {
  const message = messageOf(transient(code, 'why'))
  const [prefix = '', text = ''] = message.split(': ')
  expect(MESSAGE_PREFIXES).toContain(prefix)
  expect(text).not.toBe('')
})

test('what is meant for operators is not told to clients', () => {
  const message = messageOf(transient('kafka-unavailable', 'broker-1.internal:9092 refused'))
  expect(message).toBe('error: the event could not be stored, try again later')
})
