import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { LogFile } from './log-file.mjs'

const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a log never holds more than two files of the limit', () => {
  const file = join(folder, 'deep', 'a.log')
  const log = new LogFile(file, 1000)
  for (let n = 0; n < 500; n++) log.write(`line ${String(n).padStart(5, '0')}`)
  log.close()
  expect(readdirSync(join(folder, 'deep')).sort()).toEqual(['a.log', 'a.log.1'])
  expect(statSync(file).size).toBeLessThanOrEqual(1011)
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(1011)
  expect(readFileSync(file, 'utf8')).toContain('line 00499')
})

test('a second start appends', () => {
  const file = join(folder, 'b.log')
  for (const line of ['first', 'second']) {
    const log = new LogFile(file)
    log.write(line)
    log.close()
  }
  expect(readFileSync(file, 'utf8')).toBe('first\nsecond\n')
})
