import type { LogRecord } from '@millrace/kafka'
import { FaultError, fatal, invalid, transient } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { dead, drop, type Outcome, ok, redirect } from './outcome.ts'
import { type Outputs, onePartition } from './output.ts'
import type { Sink } from './sink.ts'
import { type Topology, topology } from './topology.ts'

type OutputsOf<F> = F extends Topology<infer _T, infer O> ? Outputs<O> : never

const record = (over: Partial<LogRecord> = {}): LogRecord => ({
  topic: 'source.v1',
  partition: 0,
  offset: 7,
  timestampMs: 1_000,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: {},
  ...over,
})

const sink = <T>(): Sink<T> => ({
  name: 'nowhere',
  writeSpan: 'nowhere.write',
  apply: async () => ({ ok: true, value: undefined }),
})

function readText({ value }: LogRecord): Outcome<string> {
  return ok(value?.toString() ?? '')
}

test('null values and ticks never reach a step', () => {
  const seen: string[] = []
  function remember(text: string): Outcome<string> {
    seen.push(text)
    return ok(text)
  }
  const flow = topology('g').from('source.v1').step(readText).step(remember).into(sink())
  expect(flow.run(record({ value: null }))).toEqual(drop('erased'))
  expect(flow.run(record({ key: Buffer.from('~tick:3') }))).toEqual(drop('tick'))
  expect(flow.run(record({ key: Buffer.from('~tick:3'), value: null }))).toEqual(drop('tick'))
  expect(seen).toEqual([])
  expect(flow.run(record())).toEqual(ok('v'))
})

test('the first outcome that is not ok ends the way, and a dead one names its step', () => {
  function refuse(_: string): Outcome<string> {
    return dead(invalid('event-malformed', 'no'))
  }
  function never(_: string): Outcome<string> {
    throw new Error('reached')
  }
  const flow = topology('g').from('source.v1').step(readText).step(refuse).step(never).into(sink())
  expect(flow.stepNames).toEqual(['readText', 'refuse', 'never'])
  expect(flow.run(record())).toMatchObject({
    type: 'dead',
    step: 'refuse',
    fault: { code: 'event-malformed' },
  })
})

test('an unwired output does not compile', () => {
  function route(text: string): Outcome<string, 'audit'> {
    return text === 'v' ? redirect('audit', { key: 'k', value: null }) : ok(text)
  }
  const flow = topology('g').from('source.v1').step(readText).step(route).into(sink())
  // @ts-expect-error: `audit` is not wired
  const unwired: OutputsOf<typeof flow> = { deadLetters: onePartition('dead') }
  const wired: OutputsOf<typeof flow> = { deadLetters: onePartition('dead'), audit: onePartition('audit') }
  expect(Object.keys({ ...unwired, ...wired })).toEqual(['deadLetters', 'audit'])
  expect(flow.run(record())).toMatchObject({ type: 'redirect', output: 'audit' })
})

test('a thrown invalid fault or a defect is poison; transient and fatal faults go up', async () => {
  const throwing = (thrown: unknown) =>
    topology('g')
      .from('source.v1')
      .step(function explode(): Outcome<string> {
        throw thrown
      })
      .into(sink())
  expect(throwing(new TypeError('secret content')).run(record())).toMatchObject({
    type: 'dead',
    step: 'explode',
    fault: { code: 'internal', message: expect.not.stringContaining('secret') },
  })
  expect(throwing(new FaultError(invalid('event-malformed', 'no'))).run(record())).toMatchObject({
    type: 'dead',
    fault: { code: 'event-malformed' },
  })
  for (const fault of [transient('timeout', 'later'), fatal('log-foreign', 'stop')])
    expect(() => throwing(new FaultError(fault)).run(record())).toThrow(fault.code)
  const later = topology('g')
    .from('source.v1')
    .step(async function explodeLater(): Promise<Outcome<string>> {
      throw new TypeError('secret')
    })
    .into(sink())
  expect(await later.run(record())).toMatchObject({ type: 'dead', step: 'explodeLater' })
})

test('a step without a name is refused', () => {
  expect(() =>
    topology('g')
      .from('source.v1')
      .step((r) => ok(r)),
  ).toThrow(/named/)
})
