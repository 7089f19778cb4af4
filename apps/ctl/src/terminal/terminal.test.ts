import { FaultError, fatal, invalid } from '@millrace/kernel'
import { CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { listOf, share, unixSeconds, wholeNumber } from './arguments.ts'
import { CommandFailure, usageFailure, verdictOf } from './exit.ts'
import { renderTable } from './table.ts'
import { formatBytes, formatCount, formatSeconds } from './units.ts'

describe('units', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [3 * 1024 ** 3, '3.0 GiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  test.each([
    [0.44, '0.4s'],
    [12, '12s'],
    [185, '3m05s'],
    [7_620, '2h07m'],
    [3 * 86_400 + 4 * 3_600, '3d04h'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text))

  test('counts have thousands separators', () => expect(formatCount(1_234_567.4)).toBe('1,234,567'))
})

test('a table is as wide as its widest cells, numbers to the right', () => {
  const columns = [
    { title: 'name', of: (row: [string, number]) => row[0] },
    { title: 'n', of: (row: [string, number]) => row[1], right: true },
  ]
  expect(
    renderTable(columns, [
      ['kafka', 7],
      ['x', 1_000],
    ]),
  ).toBe('name      n\nkafka     7\nx      1000\n')
})

describe('arguments', () => {
  test('whole numbers within bounds', () => {
    expect(wholeNumber(1, 10)('10')).toBe(10)
    for (const text of ['0', '11', '1.5', '-1', '', 'x', '1e1'])
      expect(() => wholeNumber(1, 10)(text), text).toThrow(/whole number/)
  })

  test('times are Unix seconds or ISO dates', () => {
    expect(unixSeconds('1700000000')).toBe(1_700_000_000)
    expect(unixSeconds('2025-01-01')).toBe(1_735_689_600)
    expect(unixSeconds('2025-01-01T00:00:01Z')).toBe(1_735_689_601)
    for (const text of ['yesterday', '2025-13-01', '-5', '1969-01-01'])
      expect(() => unixSeconds(text), text).toThrow()
  })

  test('lists add up over repeated options', () => {
    const read = listOf(wholeNumber())
    expect(read('3', read('1,2', undefined))).toEqual([1, 2, 3])
  })

  test('shares lie between 0 and 1', () => {
    expect(share('0.25')).toBe(0.25)
    for (const text of ['1.1', '-0.1', '', 'half']) expect(() => share(text), text).toThrow(/0 to 1/)
  })
})

describe('exit codes', () => {
  test.each([
    [new CommandFailure('no'), 1, 'no'],
    [usageFailure('which?'), 2, 'which?'],
    [new CommanderError(1, 'commander.unknownOption', 'x'), 2, ''],
    [new CommanderError(0, 'commander.helpDisplayed', 'x'), 0, ''],
    [
      new FaultError(fatal('topic-mismatch', 'partitions changed')),
      78,
      'partitions changed (topic-mismatch)',
    ],
    [new FaultError(invalid('filter-malformed', 'bad')), 1, 'bad (filter-malformed)'],
    [Object.assign(new Error('write'), { code: 'EPIPE' }), 0, ''],
    [new Error('odd'), 1, 'odd'],
  ])('%s', (cause, exitCode, line) => expect(verdictOf(cause)).toEqual({ exitCode, line }))
})
