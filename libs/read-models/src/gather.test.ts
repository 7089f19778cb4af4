import { err, invalid, ok, type Result, transient } from '@millrace/kernel'
import { expect, test } from 'vitest'
import { Gather } from './gather.ts'

/** Answers every question with its double once it is told to, and records the batches. */
function doubler(limits = { runningMax: 1, batchWeightMax: 4, waitingMax: 100 }) {
  const batches: number[][] = []
  const signals: AbortSignal[] = []
  const releases: (() => void)[] = []
  const gather = new Gather<number, number>(async (questions, signal): Promise<Result<number[]>> => {
    batches.push([...questions])
    signals.push(signal)
    await new Promise<void>((resolve) => releases.push(resolve))
    if (questions.includes(13)) return err(invalid('clickhouse-refused', 'thirteen'))
    if (questions.includes(14)) return err(transient('clickhouse-unavailable', 'fourteen'))
    return ok(questions.map((question) => question * 2))
  }, limits)
  const releaseAll = async () => {
    for (let release = releases.shift(); release !== undefined; release = releases.shift()) {
      release()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { gather, batches, signals, releaseAll }
}

test('a lone question leaves at once; those that come meanwhile share the next batch, up to its weight', async () => {
  const { gather, batches, releaseAll } = doubler()
  const answers = Promise.all([1, 2, 3, 4, 5].map((question) => gather.ask(question, question === 4 ? 3 : 1)))
  await releaseAll()
  expect(await answers).toEqual([2, 4, 6, 8, 10].map(ok))
  expect(batches).toEqual([[1], [2, 3], [4, 5]])
})

test('a question heavier than a batch is asked alone', async () => {
  const { gather, batches, releaseAll } = doubler()
  const answers = Promise.all([gather.ask(1, 1), gather.ask(2, 50), gather.ask(3, 1)])
  await releaseAll()
  await answers
  expect(batches).toEqual([[1], [2], [3]])
})

test('a refused question does not take its companions down', async () => {
  const { gather, releaseAll } = doubler()
  const answers = Promise.all([1, 12, 13].map((question) => gather.ask(question, 1)))
  await releaseAll()
  const [first, companion, refused] = await answers
  expect([first, companion]).toEqual([ok(2), ok(24)])
  expect(refused?.ok).toBe(false)
})

test('an outage is told to everybody in the batch without asking again', async () => {
  const { gather, batches, releaseAll } = doubler()
  const answers = Promise.all([1, 12, 14].map((question) => gather.ask(question, 1)))
  await releaseAll()
  expect((await answers).map(({ ok: isOk }) => isOk)).toEqual([true, false, false])
  expect(batches).toEqual([[1], [12, 14]])
})

test('past the bound a question is refused at once', async () => {
  const { gather, releaseAll } = doubler({ runningMax: 1, batchWeightMax: 1, waitingMax: 1 })
  const answers = [gather.ask(1, 1), gather.ask(2, 1), gather.ask(3, 1)]
  const refused = await answers[2]
  expect(refused).toMatchObject({ ok: false, fault: { code: 'queue-full' } })
  await releaseAll()
  expect(await Promise.all(answers.slice(0, 2))).toEqual([ok(2), ok(4)])
})

test('who gives up is answered at once, and the batch is aborted once nobody waits for it', async () => {
  const { gather, signals, releaseAll } = doubler()
  const [one, other] = [new AbortController(), new AbortController()]
  const running = gather.ask(1, 1, one.signal)
  const waiting = [gather.ask(2, 1, other.signal), gather.ask(3, 1)]
  one.abort()
  other.abort()
  expect(await running).toMatchObject({ ok: false, fault: { code: 'timeout' } })
  expect(await waiting[0]).toMatchObject({ ok: false, fault: { code: 'timeout' } })
  expect(signals[0]?.aborted).toBe(true)
  await releaseAll()
  expect(await waiting[1]).toEqual(ok(6))
})
