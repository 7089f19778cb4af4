import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unwrap } from '@millrace/kernel'
import { testKey } from '@millrace/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { relayKey } from './relay-key.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-key-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('edges that start at once make one key between them, readable by their user alone', async () => {
  const path = join(folder, 'new', 'relay.key')
  const keys = await Promise.all(Array.from({ length: 8 }, () => relayKey(path)))
  expect(new Set(keys.map((key) => unwrap(key).pubkey)).size).toBe(1)
  expect(unwrap(await relayKey(path)).pubkey).toBe(unwrap(keys[0] ?? (await relayKey(path))).pubkey)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(folder, 'new'))).toEqual(['relay.key'])
})

test('a given key is used, with or without a line break', async () => {
  const { secretKey, pubkey } = testKey('given')
  const path = join(folder, 'given.key')
  await writeFile(path, `${Buffer.from(secretKey).toString('hex')}\n`)
  expect(unwrap(await relayKey(path)).pubkey).toBe(pubkey)
})

test.each(['', 'nsec1abc', '0'.repeat(64), 'A'.repeat(64)])('a file with %j is refused', async (text) => {
  const path = join(folder, 'bad.key')
  await writeFile(path, text)
  expect(await relayKey(path)).toMatchObject({
    ok: false,
    fault: { code: 'configuration-invalid', kind: 'fatal' },
  })
})
