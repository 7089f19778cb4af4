import { cpSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureKafkaJars, hasKafkaJars, kafkaJarsDirectory } from './jars.mjs'

let cacheDir = ''
let jars = ''
beforeEach(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'millrace-jars-'))
  jars = kafkaJarsDirectory(cacheDir)
  cpSync(await ensureKafkaJars(), jars, { recursive: true, filter: (file) => !file.endsWith('.jsa') })
})
afterEach(() => rmSync(cacheDir, { recursive: true, force: true }))

test('a complete folder is used as it is', async () => {
  expect(hasKafkaJars(jars)).toBe(true)
  expect(await ensureKafkaJars({ cacheDir })).toBe(jars)
})

test('an interrupted download is not taken for a complete one, and is repeated', async () => {
  rmSync(join(jars, '.complete.json'))
  expect(hasKafkaJars(jars)).toBe(false)
  // Two at a time, as two test runs would: both end with the one complete folder.
  await Promise.all([ensureKafkaJars({ cacheDir }), ensureKafkaJars({ cacheDir })])
  expect(hasKafkaJars(jars)).toBe(true)
  expect(readdirSync(cacheDir)).toEqual([readdirSync(cacheDir).find((name) => jars.endsWith(name))])
}, 120_000)

test('a cut off jar is noticed', () => {
  const jar = readdirSync(jars).find((name) => name.endsWith('.jar')) ?? ''
  truncateSync(join(jars, jar), 10)
  expect(hasKafkaJars(jars)).toBe(false)
})
