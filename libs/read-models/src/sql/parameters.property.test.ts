import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Parameters } from './parameters.ts'

const FIELD_BYTES_SERVER = 128 * 1024

const sizes = (parameters: Parameters): number[] =>
  Object.values(parameters.values).map((value) => Buffer.byteLength(JSON.stringify(value)))

test('no field is longer than the server reads, and nothing is left out', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.nat(100_000).map((length) => '✓'.repeat(length)),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), (values) => {
      const parameters = new Parameters()
      const sql = parameters.inList('String', values)
      for (const size of sizes(parameters)) expect(size).toBeLessThan(FIELD_BYTES_SERVER)
      const listed = Object.values(parameters.values).flatMap((value) => (Array.isArray(value) ? value : []))
      const hex = Object.values(parameters.values).filter((value) => typeof value === 'string')
      const long = Buffer.from(hex.join(''), 'hex').toString()
      expect([...listed].join('').length + long.length).toBe(values.join('').length)
      for (const name of Object.keys(parameters.values)) expect(sql).toContain(`{${name}:`)
    }),
    { numRuns: 20 },
  )
})

test('values never become part of the statement', () => {
  const parameters = new Parameters()
  const sql = [
    parameters.inList('String', ["'; DROP TABLE x"]),
    parameters.inHexList(['a'.repeat(64)]),
    parameters.hex('b'.repeat(64)),
    parameters.add('UInt64', 12_345),
  ].join()
  for (const given of ['DROP', 'aaa', 'bbb', '12345']) expect(sql).not.toContain(given)
})

test('short lists are expressions or one array, since indices are used for those', () => {
  const parameters = new Parameters()
  const ids = (count: number) =>
    Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, '0'))
  expect(parameters.inList('UInt16', [1, 2])).toMatch(/^\{v\d+:Array\(UInt16\)\}$/)
  expect(parameters.inHexList(ids(2))).toMatch(/^\(toFixedString\(.*\), toFixedString\(.*\)\)$/)
  expect(parameters.inHexList(ids(5_000))).toMatch(/^\(SELECT arrayJoin\(/)
})
