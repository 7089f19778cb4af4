import type { SchemaLine, SchemaVersion, Upcaster } from '@millrace/schemas'
import { expect, test } from 'vitest'
import { WireFormat, wireFormatOf } from './wire-format.ts'

const version = (
  number: number,
  fields: readonly object[],
  upcast: Upcaster | null = null,
): SchemaVersion => ({
  id: 200_000 + number,
  version: number,
  name: 'nostr-event',
  avsc: JSON.stringify({ type: 'record', name: 'Reading', fields }),
  upcast,
})

const A = { name: 'litres', type: 'int' }
const B = { name: 'gauge', type: 'string', default: 'main' }
const C = { name: 'millilitres', type: 'long' }

const v1 = version(1, [A])
const v2 = version(2, [A, B])
const line = (...versions: [SchemaVersion, ...SchemaVersion[]]): SchemaLine => ({
  name: 'nostr-event',
  versions,
})

const toMillilitres: Upcaster = ({ litres, ...rest }) => ({ ...rest, millilitres: Number(litres) * 1000 })

test('byte 0, the schema id big-endian, the Avro body', () => {
  const bytes = new WireFormat(line(v1, v2)).encode({ litres: 3, gauge: 'w' })
  expect(bytes.toString('hex')).toBe(`00${(200_002).toString(16).padStart(8, '0')}060277`)
})

test('an old version is read through Avro resolution, defaults filled in', () => {
  const old = new WireFormat(line(v1)).encode({ litres: 3 })
  expect(new WireFormat(line(v1, v2)).decode(old)).toEqual({ ok: true, value: { litres: 3, gauge: 'main' } })
})

test('where resolution does not suffice, every version is cast up step by step', () => {
  const addGauge: Upcaster = (value) => ({ ...value, gauge: 'cast' })
  const withUpcasts = line({ ...v1, upcast: addGauge }, { ...v2, upcast: toMillilitres }, version(3, [B, C]))
  const format = new WireFormat(withUpcasts)
  const fromV1 = new WireFormat(line(v1)).encode({ litres: 3 })
  const fromV2 = new WireFormat(line(v1, v2)).encode({ litres: 4, gauge: 'w' })
  expect(format.decode(fromV1)).toEqual({ ok: true, value: { gauge: 'cast', millilitres: 3000 } })
  expect(format.decode(fromV2)).toEqual({ ok: true, value: { gauge: 'w', millilitres: 4000 } })
})

test('a newer version than this build knows is told by its id', () => {
  const newer = new WireFormat(line(v1, v2)).encode({ litres: 3, gauge: 'w' })
  expect(new WireFormat(line(v1)).decode(newer)).toMatchObject({
    ok: false,
    fault: { code: 'schema-unknown', message: expect.stringContaining('200002') },
  })
})

test('damaged bytes are record-undecodable, wherever the damage is', () => {
  const format = new WireFormat(line(v1, v2))
  const whole = format.encode({ litres: 3, gauge: 'water' })
  const damaged = [
    Buffer.alloc(0),
    whole.subarray(0, 5),
    ...Array.from({ length: whole.length - 6 }, (_, at) => whole.subarray(0, 6 + at)),
    Buffer.concat([whole, Buffer.from([1])]),
    Buffer.concat([Buffer.from([1]), whole.subarray(1)]),
    Buffer.from('{"litres":3}'),
  ]
  for (const bytes of damaged)
    expect(format.decode(bytes), bytes.toString('hex')).toMatchObject({
      ok: false,
      fault: { code: 'record-undecodable', kind: 'invalid' },
    })
})

test('the format of a registered record type is made once', () => {
  expect(wireFormatOf('tombstone')).toBe(wireFormatOf('tombstone'))
})
