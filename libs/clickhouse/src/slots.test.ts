import { unwrap } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { Slots } from './slots.ts'

const never = new AbortController().signal

test('slots are given first come, first served', async () => {
  const slots = new Slots(1, 2)
  const release = unwrap(await slots.take(never))
  const order: string[] = []
  const second = slots.take(never).then((slot) => {
    order.push('second')
    return slot
  })
  const third = slots.take(never).then(() => order.push('third'))
  expect(slots.waiting).toBe(2)
  release()
  unwrap(await second)()
  await third
  expect(order).toEqual(['second', 'third'])
})

test('a full queue refuses at once', async () => {
  const slots = new Slots(1, 0)
  unwrap(await slots.take(never))
  expect(await slots.take(never)).toMatchObject({
    ok: false,
    fault: { code: 'queue-full', kind: 'transient' },
  })
})

test('who stops waiting leaves the queue, and releasing twice frees one slot', async () => {
  const slots = new Slots(1, 5)
  const release = unwrap(await slots.take(never))
  const impatient = new AbortController()
  const waiting = slots.take(impatient.signal)
  impatient.abort()
  expect(await waiting).toMatchObject({ ok: false, fault: { code: 'clickhouse-unavailable' } })
  expect(slots.waiting).toBe(0)
  release()
  release()
  unwrap(await slots.take(never))
  let isSecondIn = false
  void slots.take(never).then(() => {
    isSecondIn = true
  })
  await Promise.resolve()
  expect(isSecondIn).toBe(false)
})

test('who comes aborted does not wait', async () => {
  const slots = new Slots(1, 5)
  unwrap(await slots.take(never))
  expect(await slots.take(AbortSignal.abort())).toMatchObject({ ok: false })
})
