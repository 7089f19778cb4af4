import { existsSync, globSync, readFileSync } from 'node:fs'
import { LIMITS } from '@millrace/kernel'
import { SUBJECTS } from '@millrace/schemas'
import { expect, test } from 'vitest'
import { catalogue, partitionCountOf, TOPICS } from './catalogue.ts'
import {
  DAY_MS,
  DEFAULT_TOPIC_OPTIONS,
  heartbeatIntervalMs,
  type Part,
  SECOND_MS,
  type Topic,
  type TopicOptions,
} from './topic.ts'

/** What infra/ sets log.cleaner.backoff.ms to. */
const CLEANER_BACKOFF_MS = 1_000

const production: TopicOptions = {
  ...DEFAULT_TOPIC_OPTIONS,
  eventPartitionCount: 24,
  replicationFactor: 3,
  minInsyncReplicas: 2,
}

const topicOf = (name: string, options = DEFAULT_TOPIC_OPTIONS): Topic => {
  const topic = catalogue(options).find((one) => one.name === name)
  if (topic === undefined) throw new Error(`no topic ${name}`)
  return topic
}

const numberOf = (name: string, config: string, options = DEFAULT_TOPIC_OPTIONS): number =>
  Number(topicOf(name, options).configs[config])

test('the catalogue is what the architecture says: names, cleanup, writers, readers', () => {
  const rows = catalogue(DEFAULT_TOPIC_OPTIONS).map(({ name, configs, writers, readers }) => ({
    name,
    cleanup: configs['cleanup.policy'],
    writers: writers.join(' '),
    readers: readers.join(' '),
  }))
  expect(rows).toMatchInlineSnapshot(`
    [
      {
        "cleanup": "compact",
        "name": "nostr.events.v1",
        "readers": "relay storage aggregation deletion forwarder archive query-api",
        "writers": "relay mirror import deletion",
      },
      {
        "cleanup": "delete",
        "name": "nostr.ephemeral.v1",
        "readers": "relay ctl",
        "writers": "relay",
      },
      {
        "cleanup": "compact",
        "name": "nostr.tombstones.v1",
        "readers": "relay storage aggregation deletion forwarder archive import ctl",
        "writers": "deletion",
      },
      {
        "cleanup": "compact",
        "name": "relay.settings.v1",
        "readers": "relay storage forwarder query-api ctl",
        "writers": "relay query-api ctl",
      },
      {
        "cleanup": "compact,delete",
        "name": "nostr.dead-letters.v1",
        "readers": "deletion ctl",
        "writers": "storage aggregation deletion forwarder archive ctl",
      },
    ]
  `)
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.values(TOPICS).sort())
})

test('every topic has the subject of its values', () => {
  for (const { name, subject } of catalogue(DEFAULT_TOPIC_OPTIONS)) {
    expect(subject).toBe(`${name}-value`)
    expect(SUBJECTS[subject], name).toBeDefined()
  }
})

test('events, tombstones and ephemeral have one and the same number of partitions', () => {
  for (const options of [DEFAULT_TOPIC_OPTIONS, production]) {
    const counts = [TOPICS.events, TOPICS.tombstones, TOPICS.ephemeral].map((name) =>
      partitionCountOf(topicOf(name, options), options),
    )
    expect(new Set(counts)).toEqual(new Set([options.eventPartitionCount]))
  }
  expect(DEFAULT_TOPIC_OPTIONS.eventPartitionCount).toBe(8)
})

test('the time in the log is the broker’s, never the author’s', () => {
  for (const { name, configs } of catalogue(DEFAULT_TOPIC_OPTIONS))
    expect(configs['message.timestamp.type'], name).toBe('LogAppendTime')
})

test('no acknowledged record is given up: in-sync replicas as asked for, no unclean election', () => {
  for (const { name, configs } of catalogue(production)) {
    expect(configs['min.insync.replicas'], name).toBe('2')
    expect(configs['unclean.leader.election.enable'], name).toBe('false')
  }
})

test('the largest frame fits the log, and a refused record fits the dead letters', () => {
  const { frameBytesMax, recordOverheadBytesMax, produceBatchBytesMax } = LIMITS
  for (const name of [TOPICS.events, TOPICS.ephemeral, TOPICS.tombstones]) {
    expect(frameBytesMax + recordOverheadBytesMax).toBeLessThan(numberOf(name, 'max.message.bytes'))
    expect(produceBatchBytesMax).toBeLessThan(numberOf(name, 'max.message.bytes'))
  }
  expect(frameBytesMax + recordOverheadBytesMax).toBeLessThanOrEqual(produceBatchBytesMax)
  expect(numberOf(TOPICS.events, 'max.message.bytes')).toBeLessThan(
    numberOf(TOPICS.deadLetters, 'max.message.bytes'),
  )
})

test('OK survives a power cut by default, and the weaker durability is a choice', () => {
  expect(topicOf(TOPICS.events).configs['flush.messages']).toBe('1')
  const weaker = topicOf(TOPICS.events, { ...DEFAULT_TOPIC_OPTIONS, durability: 'process' })
  expect(Number(weaker.configs['flush.messages'])).toBeGreaterThan(2 ** 53)
})

test('erased bytes are gone by the deadline in the worst case, and their nulls stay readable for a week', () => {
  for (const erasureDeadlineS of [60, 3_600, 86_400, 30 * 86_400]) {
    const options = { ...DEFAULT_TOPIC_OPTIONS, erasureDeadlineS }
    for (const name of [TOPICS.events, TOPICS.tombstones, TOPICS.settings, TOPICS.deadLetters]) {
      const of = (config: string) => numberOf(name, config, options)
      const rolledMs = of('segment.ms') + of('segment.jitter.ms') + heartbeatIntervalMs(erasureDeadlineS)
      const dueMs = Math.max(rolledMs, of('max.compaction.lag.ms')) + CLEANER_BACKOFF_MS
      const forCleaningMs = erasureDeadlineS * SECOND_MS - dueMs - of('file.delete.delay.ms')
      expect(forCleaningMs, name).toBeGreaterThan((erasureDeadlineS * SECOND_MS) / 3)
      expect(of('min.compaction.lag.ms')).toBe(0)
      expect(topicOf(name).configs['cleanup.policy']).toMatch(/^compact/)
      expect(of('delete.retention.ms')).toBeGreaterThanOrEqual(7 * DAY_MS)
    }
  }
})

test('the brokers of this repository look as often as the deadline assumes', () => {
  const text = (file: string) => readFileSync(new URL(`../infra/${file}`, import.meta.url), 'utf8')
  const wanted = String(CLEANER_BACKOFF_MS)
  const local = /'log\.cleaner\.backoff\.ms': ([\d_]+)/.exec(text('local/src/kafka/properties.mjs'))?.[1]
  expect(local?.replace('_', '')).toBe(wanted)
  expect(/KAFKA_LOG_CLEANER_BACKOFF_MS: (\d+)/.exec(text('compose.yaml'))?.[1]).toBe(wanted)
})

test('ephemeral events are gone within a minute or so, dead letters after 30 days at the earliest', () => {
  expect(numberOf(TOPICS.ephemeral, 'retention.ms')).toBeLessThanOrEqual(60 * SECOND_MS)
  expect(numberOf(TOPICS.ephemeral, 'segment.ms')).toBeLessThanOrEqual(30 * SECOND_MS)
  expect(numberOf(TOPICS.deadLetters, 'retention.ms')).toBe(30 * DAY_MS)
})

test('one file per topic, named like it', () => {
  for (const name of Object.values(TOPICS)) {
    const file = new URL(`./${name.replace(/\.v\d+$/, '').replace('.', '-')}.ts`, import.meta.url)
    expect(readFileSync(file, 'utf8')).toContain(`'${name}'`)
  }
})

const PARTS_OF_APPS: Readonly<Record<string, readonly Part[]>> = {
  relay: ['relay'],
  storage: ['storage'],
  aggregation: ['aggregation'],
  deletion: ['deletion'],
  forwarder: ['forwarder'],
  archive: ['archive'],
  mirror: ['mirror'],
  'query-api': ['query-api'],
  ctl: ['ctl', 'import'],
}

test('an app that names a topic is one of its writers or readers', () => {
  const undeclared: string[] = []
  let seen = 0
  for (const [app, parts] of Object.entries(PARTS_OF_APPS)) {
    const folder = new URL(`../apps/${app}/src/`, import.meta.url)
    if (!existsSync(folder)) continue
    const files = globSync('**/*.ts', { cwd: folder }).filter((file) => !/\.test\.ts$|testing/.test(file))
    for (const file of files)
      for (const [, key] of readFileSync(new URL(file, folder), 'utf8').matchAll(/TOPICS\.(\w+)/g)) {
        seen++
        const { name, writers, readers } = topicOf(TOPICS[key as keyof typeof TOPICS])
        if (![...writers, ...readers].some((part) => parts.includes(part)))
          undeclared.push(`${app}: ${name} in ${file}`)
      }
  }
  expect(undeclared).toEqual([])
  expect(seen).toBeGreaterThan(10)
})
