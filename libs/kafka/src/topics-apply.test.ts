import { encodeSetting } from '@millrace/codec'
import { unwrap } from '@millrace/kernel'
import { catalogue, DEFAULT_TOPIC_OPTIONS, TOPICS } from '@millrace/topics'
import { describe, expect, test } from 'vitest'
import { appendAll, outgoing } from './contract/log-subject.ts'
import { readLogId } from './log-id.ts'
import { createMemoryLog } from './memory/memory-log.ts'
import type { Log } from './port.ts'
import { applyTopics } from './topics-apply.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

const apply = async (log: Log, change: Partial<typeof DEFAULT_TOPIC_OPTIONS> = {}) => {
  const options = { ...DEFAULT_TOPIC_OPTIONS, ...change }
  return applyTopics(await log.admin(), log, catalogue(options), options)
}

const logIdRecord = (id: string) => ({
  topic: TOPICS.settings,
  partition: 0,
  key: 'log:log-id',
  value: encodeSetting({
    scope: 'log',
    key: 'log-id',
    value: JSON.stringify(id),
    actor: 'a test',
    recordedAtMs: 1,
  }),
})

describe('applyTopics', () => {
  test('creates every topic and gives the log an id', async () => {
    const log = createMemoryLog()
    const { topics, logId } = unwrap(await apply(log))
    expect(topics.map(({ name, action }) => [name, action])).toEqual(
      Object.values(TOPICS).map((name) => [name, 'created']),
    )
    expect(logId).toMatch(UUID)
    expect(await readLogId(log)).toEqual({ ok: true, value: logId })
    const events = await (await log.admin()).describeTopic(TOPICS.events)
    expect(events).toMatchObject({
      partitionCount: 8,
      configs: { 'cleanup.policy': 'compact', 'flush.messages': '1' },
    })
  })

  test('a second run changes nothing and finds the same id', async () => {
    const log = createMemoryLog()
    const first = unwrap(await apply(log))
    const second = unwrap(await apply(log))
    expect(second.topics.map(({ action }) => action)).toEqual(Array(5).fill('unchanged'))
    expect(second.logId).toBe(first.logId)
  })

  test('alters the configs that differ, and says how', async () => {
    const log = createMemoryLog()
    unwrap(await apply(log))
    const { topics } = unwrap(await apply(log, { durability: 'process' }))
    expect(topics.find(({ name }) => name === TOPICS.events)).toEqual({
      name: TOPICS.events,
      action: 'altered',
      changes: ['flush.messages: 1 → 9223372036854775807'],
    })
    expect(topics.filter(({ action }) => action === 'altered')).toHaveLength(1)
  })

  test('refuses a changed partition count and touches nothing', async () => {
    const log = createMemoryLog()
    unwrap(await apply(log))
    const refused = await apply(log, { eventPartitionCount: 16, durability: 'process' })
    expect(refused).toMatchObject({ ok: false, fault: { code: 'topic-mismatch', kind: 'fatal' } })
    const events = await (await log.admin()).describeTopic(TOPICS.events)
    expect(events?.configs['flush.messages']).toBe('1')
  })

  test('events without a log id are refused', async () => {
    const log = createMemoryLog()
    const admin = await log.admin()
    await admin.createTopic({ name: TOPICS.events, partitionCount: 8, replicationFactor: 1, configs: {} })
    await appendAll(log, [outgoing(TOPICS.events, 3, 'somebody else')])
    expect(await apply(log)).toMatchObject({ ok: false, fault: { code: 'log-id-missing', kind: 'fatal' } })
  })

  test('of two first runs that race the first id rules, also after compaction', async () => {
    const log = createMemoryLog()
    const { logId } = unwrap(await apply(log))
    await appendAll(log, [logIdRecord('the slower run')])
    expect(await readLogId(log)).toEqual({ ok: true, value: logId })
    expect(unwrap(await apply(log)).logId).toBe(logId)
    log.compact(TOPICS.settings)
    expect(await readLogId(log)).toEqual({ ok: true, value: logId })
  })

  test('runs at the same time agree', async () => {
    const log = createMemoryLog()
    const runs = await Promise.all([apply(log), apply(log), apply(log)])
    expect(new Set(runs.map((run) => unwrap(run).logId)).size).toBe(1)
  })

  test('Kafka being away is a transient fault, not an exception', async () => {
    const log = createMemoryLog()
    log.setAvailable(false)
    expect(await apply(log)).toMatchObject({
      ok: false,
      fault: { code: 'kafka-unavailable', kind: 'transient' },
    })
  })
})

describe('readLogId', () => {
  test('of a log that nobody applied the topics to is a fatal fault', async () => {
    expect(await readLogId(createMemoryLog())).toMatchObject({
      ok: false,
      fault: { code: 'log-id-missing', kind: 'fatal' },
    })
  })

  test('Kafka being away is a transient fault', async () => {
    const log = createMemoryLog()
    unwrap(await apply(log))
    log.setAvailable(false)
    expect(await readLogId(log)).toMatchObject({ ok: false, fault: { code: 'kafka-unavailable' } })
  })
})
