import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  clickHouseSection,
  kafkaSection,
  parseConfig,
  printConfig,
  processSection,
  settingDocs,
} from './index.ts'

const sections = { kafka: kafkaSection, clickhouse: clickHouseSection, process: processSection(7778) }

test('defaults are complete, and the result is frozen', () => {
  const config = parseConfig(sections, {})
  if (!config.ok) throw new Error(config.fault.message)
  expect(config.value.kafka.brokers).toEqual(['127.0.0.1:9092'])
  expect(config.value.process.opsPort).toBe(7778)
  expect(() => Object.assign(config.value.process, { opsPort: 1 })).toThrow()
})

test('every wrong setting is named', () => {
  const config = parseConfig(sections, { OPS_PORT: '70000', LOG_LEVEL: 'loud' })
  expect(config.ok).toBe(false)
  if (config.ok) return
  expect(config.fault.message).toContain('OPS_PORT')
  expect(config.fault.message).toContain('LOG_LEVEL')
})

test('the environment wins over the file, and an empty variable is an unset one', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'millrace-config-')), 'millrace.toml')
  writeFileSync(path, 'OPS_PORT = 5000\nKAFKA_BROKERS = "a:1,b:2"\n')
  const config = parseConfig(sections, { MILLRACE_CONFIG: path, OPS_PORT: '6000', KAFKA_BROKERS: '' })
  if (!config.ok) throw new Error(config.fault.message)
  expect(config.value.process.opsPort).toBe(6000)
  expect(config.value.kafka.brokers).toEqual(['a:1', 'b:2'])
})

test('secrets are masked when printed, and every setting has a description', () => {
  expect(printConfig(sections, { KAFKA_SASL_PASSWORD: 'hunter2' })).not.toContain('hunter2')
  for (const section of Object.values(sections))
    for (const doc of settingDocs(section)) expect(doc.description, doc.name).not.toBe('')
})
