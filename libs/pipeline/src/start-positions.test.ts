import { expect, test } from 'vitest'
import { startPositions } from './start-positions.ts'

const mark = (logId: string, nextOffset: number) => ({ logId, nextOffset, appendedAtMs: 0 })
const assigned = [
  { topic: 't', partition: 0 },
  { topic: 't', partition: 1 },
]

test('each partition starts at its watermark, or at the beginning', () => {
  const positions = startPositions(assigned, 'log', new Map([[1, mark('log', 5)]]), new Map([[1, 5]]))
  expect(positions).toEqual({
    ok: true,
    value: [
      { topic: 't', partition: 0, offset: 'earliest' },
      { topic: 't', partition: 1, offset: 5 },
    ],
  })
})

test('a foreign log id on any partition, assigned or not, says what to do', () => {
  const positions = startPositions(assigned, 'new', new Map([[7, mark('old', 1)]]), new Map([[7, 1]]))
  expect(positions).toMatchObject({ ok: false, fault: { code: 'log-foreign', kind: 'fatal' } })
  if (!positions.ok) expect(positions.fault.message).toContain('ctl tables reset --yes')
})

test('a watermark past the end of the log is not skipped over', () => {
  const positions = startPositions(assigned, 'log', new Map([[0, mark('log', 6)]]), new Map([[0, 5]]))
  expect(positions).toMatchObject({ ok: false, fault: { code: 'watermark-past-end', kind: 'fatal' } })
})
