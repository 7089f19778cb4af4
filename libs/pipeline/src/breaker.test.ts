import { invalid, ManualClock } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { Breaker } from './breaker.ts'

const cause = invalid('record-undecodable', 'poison')
const options = { deadInARowMax: 3, deadInWindowMax: 5, windowMs: 1_000 }

test('too many in a row of one partition; a good record begins anew', () => {
  const breaker = new Breaker(options, new ManualClock(0))
  expect(breaker.dead(0, cause)).toBeNull()
  expect(breaker.dead(0, cause)).toBeNull()
  breaker.good(0)
  expect(breaker.dead(0, cause)).toBeNull()
  expect(breaker.dead(1, cause)).toBeNull()
  breaker.forget(0)
  const again = new Breaker(options, new ManualClock(0))
  again.dead(0, cause)
  again.dead(0, cause)
  expect(again.dead(0, cause)).toMatchObject({ code: 'dead-letters-too-many', kind: 'fatal' })
})

test('too many within the window, over all partitions and with good ones between', () => {
  const clock = new ManualClock(0)
  const breaker = new Breaker(options, clock)
  const refuse = (partition: number) => {
    breaker.good(partition)
    return breaker.dead(partition, cause)
  }
  for (let i = 0; i < 4; i++) expect(refuse(i)).toBeNull()
  clock.advanceMs(1_000)
  expect(refuse(0)).toBeNull()
  for (let i = 0; i < 3; i++) expect(refuse(i)).toBeNull()
  expect(refuse(4)).toMatchObject({ code: 'dead-letters-too-many' })
})
