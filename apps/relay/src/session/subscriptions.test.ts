import { ok, systemClock } from '@millrace/kernel'
import type { Filter, NostrEvent } from '@millrace/nostr'
import { createMetrics } from '@millrace/observability'
import type { ServedEvent, TakeServed } from '@millrace/read-models'
import { sign, testKey, until } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { FrameWriter } from '../frames/frame-writer.ts'
import { Fanout } from '../live/fanout.ts'
import { Subscriptions } from './subscriptions.ts'

const FILTERS: readonly Filter[] = [{ kinds: [1], limit: 1, tags: {} }]
const key = testKey('subscriptions')
const older = sign({ kind: 1, created_at: 1, content: '' }, key)
const newer = sign({ kind: 1, created_at: 2, content: '' }, key)

const served = (event: NostrEvent, offset: number): ServedEvent => ({
  id: event.id,
  pubkey: event.pubkey,
  kind: event.kind,
  createdAt: event.created_at,
  json: JSON.stringify(event),
  partition: 0,
  offset,
})

/** One client's REQs over a reader that does as it is told; answers what the client was sent. */
function client(answerNow: (take: TakeServed) => boolean, stored: readonly ServedEvent[]) {
  const metrics = createMetrics('relay')
  const fanout = new Fanout(10, metrics)
  const errors: unknown[] = []
  const sent: string[] = []
  const subscriptions = new Subscriptions(
    {
      reader: {
        answerNow: (_filters, _context, take) => answerNow(take),
        query: async function* () {
          yield ok(stored)
        },
      },
      fanout,
      positions: () => new Map([[0, 1]]),
      clock: systemClock,
      metrics,
      frames: new FrameWriter(),
      onInternalError: (cause) => errors.push(cause),
      bounds: {
        queriesPerConnectionMax: 1,
        reqTimeoutMs: 1_000,
        liveBufferEventsMax: 10,
        subscriptionValuesPerConnectionMax: 100,
      },
    },
    {
      send: (frame) => void sent.push(String(frame)),
      sendFrames: (bytes, release) => {
        sent.push(bytes.toString())
        release?.()
      },
      hasRoomFor: () => true,
      isPressed: false,
      drained: async () => true,
    },
    new Set(),
  )
  return { subscriptions, fanout, errors, said: () => sent.join('\n') }
}

test('what was lent for an answer that was given up counts as not sent: it comes live', async () => {
  const { subscriptions, fanout, said } = client(
    (take) => {
      take(served(older, 1))
      return false
    },
    // Meanwhile a newer one was acknowledged, which the limit lets through alone.
    [served(newer, 2)],
  )
  subscriptions.request('s', FILTERS)
  await until(() => said().includes('EOSE'), { what: 'the stored events' })
  expect(said()).not.toContain(older.id)
  fanout.deliver(older, () => JSON.stringify(older))
  fanout.deliver(newer, () => JSON.stringify(newer))
  expect(said()).toContain(older.id)
  expect(said().split(newer.id)).toHaveLength(2)
})

test('a bug that one REQ meets closes that REQ, is reported and harms no other', () => {
  const bug = new Error('a bug')
  let calls = 0
  const { subscriptions, fanout, errors, said } = client((take) => {
    take(served(older, 0))
    if (calls++ === 0) throw bug
    return true
  }, [])
  subscriptions.request('first', FILTERS)
  expect(errors).toEqual([bug])
  expect(said()).toMatch(/\["CLOSED","first","error: /)
  expect(said()).not.toContain(older.id)
  expect(fanout.size).toBe(0)
  subscriptions.request('second', FILTERS)
  expect(said().split(older.id)).toHaveLength(2)
  expect(said()).toContain('["EOSE","second"]')
})

test('the values of all open subscriptions are bounded, and those of a closed one are free again', () => {
  const { subscriptions, fanout, said } = client(() => true, [])
  const filters = (letter: string): readonly Filter[] => [{ tags: { t: [letter.repeat(3_000)] } }]
  for (const id of ['a', 'b', 'c']) subscriptions.request(id, filters(id))
  expect([subscriptions.size, fanout.size]).toEqual([2, 2])
  expect(said()).toContain('["CLOSED","c","error: more than 100 values in all subscriptions"]')
  subscriptions.close('a')
  subscriptions.request('c', filters('c'))
  subscriptions.request('c', filters('d'))
  expect([subscriptions.size, fanout.size]).toEqual([2, 2])
  subscriptions.closeAll()
  for (const id of ['e', 'f']) subscriptions.request(id, filters(id))
  expect(fanout.size).toBe(2)
})
