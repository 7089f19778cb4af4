import { ok } from '@millrace/kernel'
import type { EventReader, ServedEvent } from '@millrace/read-models'
import { TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { LogPositions } from '../live/log-positions.ts'
import { CausalReader } from './causal-reader.ts'

const context = { authedPubkeys: new Set<string>(), nowS: 0 }
const event = { id: 'a' } as ServedEvent

function readerBehind(acked: ReadonlyMap<number, number>) {
  const positions = new LogPositions()
  const reader: EventReader = {
    answerNow: (_filters, _context, take) => {
      take(event)
      return true
    },
    query: async function* () {
      yield ok([event, event])
    },
    lookup: async () => ok(new Map()),
    currentVersions: async () => ok(new Map()),
  }
  const ahead = (known: ReadonlyMap<number, number>) => {
    const missing = [...acked].filter(([partition, next]) => next > (known.get(partition) ?? 0))
    return missing.length === 0 ? null : new Map(missing)
  }
  return { positions, causal: new CausalReader({ reader, acked: { ahead }, positions }) }
}

const collect = async (causal: CausalReader, signal?: AbortSignal) => {
  const chunks: unknown[] = []
  for await (const chunk of causal.query([], { ...context, signal })) chunks.push(chunk)
  return chunks
}

test('level with the other workers it answers at once', () => {
  const events: ServedEvent[] = []
  const { causal } = readerBehind(new Map())
  expect(causal.answerNow([], context, (served) => void events.push(served))).toBe(true)
  expect(events).toEqual([event])
})

test('behind them it waits for the live reader, then answers', async () => {
  const { positions, causal } = readerBehind(new Map([[1, 5]]))
  const take = () => expect.unreachable('nothing may be handed over')
  expect(causal.answerNow([], context, take)).toBe(false)
  let answered = false
  const chunks = collect(causal).finally(() => {
    answered = true
  })
  positions.advance(TOPICS.events, 1, 4)
  await new Promise((resolve) => setImmediate(resolve))
  expect(answered).toBe(false)
  positions.advance(TOPICS.events, 1, 5)
  expect(await chunks).toEqual([ok([event, event])])
})

test('a client that goes away is not waited for', async () => {
  const { causal } = readerBehind(new Map([[0, 1]]))
  const gone = new AbortController()
  const chunks = collect(causal, gone.signal)
  gone.abort()
  await chunks
})
