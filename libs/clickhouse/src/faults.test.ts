import { ClickHouseError } from '@clickhouse/client'
import { expect, test } from 'vitest'
import { faultOf, insertFaultOf } from './faults.ts'

const serverError = (type: string, code: string) =>
  new ClickHouseError({ message: 'row "secret"', code, type })

test.each(['TOO_MANY_SIMULTANEOUS_QUERIES', 'MEMORY_LIMIT_EXCEEDED', 'TIMEOUT_EXCEEDED', 'ABORTED'])(
  '%s passes',
  (type) => {
    expect(faultOf(serverError(type, '1'))).toMatchObject({
      code: 'clickhouse-unavailable',
      kind: 'transient',
    })
  },
)

test.each(['SYNTAX_ERROR', 'UNKNOWN_TABLE', 'TYPE_MISMATCH', 'ACCESS_DENIED'])('%s stays', (type) => {
  expect(faultOf(serverError(type, '1'))).toMatchObject({ code: 'clickhouse-refused', kind: 'invalid' })
})

test('whatever breaks before an answer passes', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  for (const error of [refused, new Error('socket hang up'), 'odd'])
    expect(faultOf(error)).toMatchObject({ code: 'clickhouse-unavailable', kind: 'transient' })
})

test('a fault of an insert carries nothing of its rows', () => {
  const fault = insertFaultOf(serverError('CANNOT_PARSE_INPUT_ASSERTION_FAILED', '27'))
  expect(fault.code).toBe('clickhouse-refused')
  expect(JSON.stringify(fault)).not.toContain('secret')
})
