import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeGeneration } from './generations.ts'
import { scrubPages } from './scrub-pages.ts'
import { openEnvironment, PAGE_BYTES } from './tables.ts'
import { random } from './testing/world.ts'

const SEED = 7
const FRAGMENT = Buffer.alloc(3, 0xee)
const pause = async () => {}

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-view-scrub-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** LMDB's compacting copy of a file from whose pages the middle records were taken. */
async function copied(): Promise<{ path: string; values: string[] }> {
  const next = random(SEED)
  const tables = openEnvironment(makeGeneration(root, 1), 2 ** 30)
  const sizes = Array.from({ length: 3_000 }, (_, n) => Math.floor(next() * (n % 40 === 0 ? 40_000 : 1_200)))
  tables.root.transactionSync(() => {
    for (const [n, size] of sizes.entries())
      tables.events.putSync(n, Buffer.alloc(size, n % 3 === 0 ? 0xee : 0x11))
  })
  tables.root.transactionSync(() => {
    for (const n of sizes.keys()) if (n % 3 === 0) tables.events.removeSync(n)
  })
  await tables.root.backup(makeGeneration(root, 2), true)
  const values = sizes.filter((_, n) => n % 3 !== 0).map((size) => Buffer.alloc(size, 0x11).toString('hex'))
  await tables.root.close()
  return { path: join(root, '2', 'data.mdb'), values }
}

test("fragments that LMDB's copy leaves are zeros afterwards, and the records are what they were", async () => {
  const { path, values } = await copied()
  expect(readFileSync(path).includes(FRAGMENT)).toBe(true)
  await scrubPages(path, PAGE_BYTES, pause)
  expect(readFileSync(path).includes(FRAGMENT)).toBe(false)
  const tables = openEnvironment(join(root, '2'), 2 ** 30)
  expect([...tables.events.getRange()].map(({ value }) => value.toString('hex'))).toEqual(values)
  await tables.root.close()
})

test('a file of another layout is refused', async () => {
  const { path } = await copied()
  const bytes = readFileSync(path)
  const refused = async (change: (bytes: Buffer) => Buffer) => {
    writeFileSync(path, change(Buffer.from(bytes)))
    return scrubPages(path, PAGE_BYTES, pause).then(
      () => null,
      (cause: unknown) => String(cause),
    )
  }
  const withShort = (at: number, value: number) => (changed: Buffer) => {
    changed.writeUInt16LE(value, 2 * PAGE_BYTES + at)
    return changed
  }
  expect(await refused(withShort(0, 77))).toMatch(/page 2 has another layout/)
  expect(await refused(withShort(18, 3))).toMatch(/page 2 is of a kind/)
  expect(await refused(withShort(18, 0x42))).toMatch(/page 2 has another layout/)
  expect(await refused((changed) => changed.subarray(0, changed.length - 100))).toMatch(/ends within page/)
})
