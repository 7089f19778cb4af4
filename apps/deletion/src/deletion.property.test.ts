import { test } from 'vitest'
import { CASES_PER_WORLD, checkWorld } from './testing/check-world.ts'

const CASES = Number(process.env['DELETION_CASES'] ?? 1_000)
const SEED = Number(process.env['DELETION_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

test(`random histories of ${CASES} small worlds leave what the naive model says (seed ${SEED})`, async () => {
  for (let from = 0; from < CASES; from += CASES_PER_WORLD) await checkWorld(SEED + from, CASES_PER_WORLD)
}, 3_600_000)
