import { until } from '@millrace/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ledger, LedgerAccess, seededRandom, skipped } from './model/ledger.ts'
import { expectedRows, isCaughtUp, letters, makeRunner, memoryLog, rowsOf, SOURCE } from './model/rig.ts'

const PARTITIONS = 3

const arbitraryRecord = fc.record({
  partition: fc.integer({ min: 0, max: PARTITIONS - 1 }),
  key: fc.integer({ min: 0, max: 15 }),
  what: fc.oneof(
    { weight: 12, arbitrary: fc.constant('good') },
    { weight: 2, arbitrary: fc.constantFrom('poison', 'unwanted', 'null', 'tick') },
  ),
})

const arbitraryRun = fc.record({
  records: fc.array(arbitraryRecord, { minLength: 1, maxLength: 120 }),
  seed: fc.integer(),
  rowsMax: fc.integer({ min: 1, max: 40 }),
  failureRate: fc.constantFrom(0, 0, 0.2, 0.5),
  /** One process after another dies at these calls; the last one lives. */
  deaths: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
  /** Appended before the first process, the rest while they run. */
  appendedFirst: fc.double({ min: 0, max: 1, noNaN: true }),
  compacts: fc.boolean(),
  secondInstance: fc.boolean(),
})

type Run = typeof arbitraryRun extends fc.Arbitrary<infer R> ? R : never

test('any cuts, failures, deaths, rebalances and compaction: the rows are those of the log, nothing is skipped', async () => {
  await fc.assert(fc.asyncProperty(arbitraryRun, runOnce), { numRuns: 150, endOnFailure: true })
}, 120_000)

async function runOnce(run: Run): Promise<void> {
  const log = memoryLog(PARTITIONS, run.seed)
  const ledger = new Ledger()
  const random = seededRandom(run.seed)
  const split = Math.floor(run.records.length * run.appendedFirst)
  const producer = await log.producer({ lingerMs: 0 })
  const append = (from: number, to: number) =>
    Promise.all(
      run.records.slice(from, to).map(({ partition, key, what }, at) =>
        producer.append({
          topic: SOURCE,
          partition,
          key: what === 'tick' ? `~tick:${partition}` : `${partition}/${key}`,
          value: what === 'null' ? null : Buffer.from(`${what} ${from + at}`),
        }),
      ),
    )
  await append(0, split)
  if (run.compacts) log.compact(SOURCE)
  const options = { batch: { rowsMax: run.rowsMax, bytesMax: 1_000_000, waitMs: 1 } }
  const start = async (dieAtCall?: number) => {
    const access = new LedgerAccess(ledger, {
      random,
      failureRate: run.failureRate,
      ...(dieAtCall !== undefined && { dieAtCall }),
    })
    const runner = await makeRunner(log, access, options)
    const started = runner.start()
    return { access, runner, started }
  }
  const appended = append(split, run.records.length)
  for (const dieAtCall of run.deaths) {
    const victim = await start(dieAtCall)
    await Promise.race([victim.access.died, until(() => isCaughtUp(log, ledger), { what: 'caught up' })])
    victim.access.kill()
    void victim.runner.stop()
  }
  await appended
  const survivors = [await start()]
  if (run.secondInstance) survivors.push(await start())
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  for (const { runner } of survivors) await runner.stop()

  const refused = letters(log)
  const lost = skipped(log, SOURCE, ledger, ({ partition, offset, value }) =>
    value === null || /^unwanted/.test(value) || /tick/.test(value)
      ? true
      : /^poison/.test(value) && refused.has(`${partition}:${offset}`),
  )
  expect(lost).toEqual([])
  expect(rowsOf(ledger)).toEqual(new Map([...expectedRows(log)]))
}
