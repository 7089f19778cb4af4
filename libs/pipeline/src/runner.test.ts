import type { MemoryLog } from '@millrace/kafka'
import { err, fatal, invalid, ok as okResult, type Result, transient } from '@millrace/kernel'
import { until, within } from '@millrace/testkit'
import { TOPICS } from '@millrace/topics'
import { expect, test } from 'vitest'
import { type Entry, Ledger, LedgerAccess } from './model/ledger.ts'
import { isCaughtUp, LOG_ID, letters, makeRunner, memoryLog, rowsOf, SOURCE } from './model/rig.ts'
import type { Positioned } from './sink.ts'

const append = async (log: MemoryLog, texts: readonly string[], partition = 0): Promise<void> => {
  const producer = await log.producer({ lingerMs: 0 })
  await Promise.all(
    texts.map((text, at) =>
      producer.append({ topic: SOURCE, partition, key: `${partition}/${at}`, value: Buffer.from(text) }),
    ),
  )
  await producer.close()
}

const good = (count: number): string[] => Array.from({ length: count }, (_, at) => `good ${at}`)

test('one write takes what all partitions have', async () => {
  const log = memoryLog(8)
  for (let partition = 0; partition < 8; partition++) await append(log, good(5), partition)
  const ledger = new Ledger()
  const runner = await makeRunner(log, new LedgerAccess(ledger), {
    batch: { rowsMax: 1_000, bytesMax: 1_000_000, waitMs: 200 },
  })
  await runner.start()
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await runner.stop()
  expect(ledger.rows.size).toBe(40)
  expect(ledger.writes).toBeLessThan(4)
})

test('records that are only dropped move the watermark all the same', async () => {
  const log = memoryLog(1)
  await append(log, ['unwanted', 'unwanted'])
  const ledger = new Ledger()
  const runner = await makeRunner(log, new LedgerAccess(ledger))
  await runner.start()
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await runner.stop()
  expect(ledger.writes).toBe(0)
  expect(ledger.watermarks.get(0)).toMatchObject({ logId: LOG_ID, nextOffset: 2 })
})

test('the committed offset reports the watermark', async () => {
  const log = memoryLog(1)
  await append(log, good(3))
  const ledger = new Ledger()
  const runner = await makeRunner(log, new LedgerAccess(ledger))
  await runner.start()
  const admin = await log.admin()
  await until(async () => (await admin.groupOffsets('test', SOURCE))[0]?.offset === 3, { what: 'the report' })
  await runner.stop()
})

test('poison goes to the dead letters with its origin, and the partition goes on', async () => {
  const log = memoryLog(1)
  await append(log, ['good', 'poison', 'good'])
  const ledger = new Ledger()
  const runner = await makeRunner(log, new LedgerAccess(ledger))
  await runner.start()
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await runner.stop()
  expect(ledger.rows.size).toBe(2)
  expect([...letters(log)]).toEqual(['0:1'])
})

test('too much poison in a row stops the runner, drains nothing and moves no watermark', async () => {
  const log = memoryLog(1)
  await append(log, [...good(2), ...Array.from({ length: 10 }, () => 'poison'), 'good'])
  const ledger = new Ledger()
  const breaker = { deadInARowMax: 10, deadInWindowMax: 1_000, windowMs: 60_000 }
  const runner = await makeRunner(log, new LedgerAccess(ledger), { breaker })
  await runner.start()
  const ended = await within(5_000, 'the end', runner.ended)
  expect(ended).toMatchObject({ ok: false, fault: { code: 'dead-letters-too-many', kind: 'fatal' } })
  await runner.stop()
  expect(letters(log).size).toBe(0)
  expect(ledger.watermarks.size).toBe(0)
})

/** A store that refuses what it is told to. */
class RefusingAccess extends LedgerAccess {
  refuse: (records: readonly Positioned<Entry>[]) => Result<void> = () => okResult(undefined)
  override async apply(records: readonly Positioned<Entry>[]): Promise<Result<void>> {
    const verdict = this.refuse(records)
    return verdict.ok ? super.apply(records) : verdict
  }
}

test('poison that only the store recognises is found by halving; the rest is written', async () => {
  const log = memoryLog(2)
  await append(log, [...good(30), 'bad', ...good(30)], 0)
  await append(log, good(10), 1)
  const ledger = new Ledger()
  const access = new RefusingAccess(ledger)
  access.refuse = (records) =>
    records.some(({ value }) => value.text === 'bad')
      ? err(invalid('clickhouse-refused', 'cannot parse'))
      : okResult(undefined)
  const runner = await makeRunner(log, access)
  await runner.start()
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await runner.stop()
  expect(ledger.rows.size).toBe(70)
  expect([...letters(log)]).toEqual(['0:30'])
})

test('a store that refuses everything stops the runner before anything is lost', async () => {
  const log = memoryLog(1)
  await append(log, good(40))
  const ledger = new Ledger()
  const access = new RefusingAccess(ledger)
  access.refuse = () => err(invalid('clickhouse-refused', 'no such table'))
  const breaker = { deadInARowMax: 20, deadInWindowMax: 1_000, windowMs: 60_000 }
  const runner = await makeRunner(log, access, { breaker })
  await runner.start()
  expect(await within(5_000, 'the end', runner.ended)).toMatchObject({
    fault: { code: 'dead-letters-too-many' },
  })
  await runner.stop()
  expect(letters(log).size).toBe(0)
  expect(ledger.watermarks.size).toBe(0)
})

test('a store that is away is waited for, and the runner says so', async () => {
  const log = memoryLog(1)
  await append(log, good(20))
  const ledger = new Ledger()
  const access = new RefusingAccess(ledger)
  let tries = 0
  access.refuse = () => {
    tries++
    return err(transient('clickhouse-unavailable', 'away'))
  }
  const runner = await makeRunner(log, access)
  await runner.start()
  await until(() => tries > 5, { what: 'retries' })
  expect(runner.problem).toContain('clickhouse-unavailable')
  access.refuse = () => okResult(undefined)
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await until(() => runner.problem === null, { what: 'readiness' })
  await runner.stop()
  expect(rowsOf(ledger).size).toBe(20)
})

test('while the store is away no more is taken in than two batches hold', async () => {
  const log = memoryLog(2)
  await append(log, good(500), 0)
  await append(log, good(500), 1)
  const access = new RefusingAccess(new Ledger())
  let largest = 0
  access.refuse = (records) => {
    largest = Math.max(largest, records.length)
    return err(transient('clickhouse-unavailable', 'away'))
  }
  const batch = { rowsMax: 60, bytesMax: 1_000_000, waitMs: 2 }
  const runner = await makeRunner(log, access, { batch, consumer: { batchRecordsMax: 20 } })
  await runner.start()
  await until(() => largest > 0 && runner.heldRecords >= 60, { what: 'a full buffer' })
  expect(largest).toBeLessThanOrEqual(60)
  expect(runner.heldRecords).toBeLessThanOrEqual(2 * 60 + 2 * 20)
  await runner.stop()
})

test('a foreign log and a log that is too short are refused at the start', async () => {
  const cases = [
    { mark: { logId: 'another', nextOffset: 1, appendedAtMs: 0 }, code: 'log-foreign' },
    { mark: { logId: LOG_ID, nextOffset: 99, appendedAtMs: 0 }, code: 'watermark-past-end' },
  ]
  for (const { mark, code } of cases) {
    const log = memoryLog(1)
    await append(log, good(3))
    const ledger = new Ledger()
    ledger.watermarks.set(0, mark)
    const runner = await makeRunner(log, new LedgerAccess(ledger))
    void runner.start().catch(() => {})
    expect(await within(5_000, 'the end', runner.ended)).toMatchObject({ fault: { code, kind: 'fatal' } })
    await runner.stop()
    expect(ledger.rows.size).toBe(0)
  }
})

test('a fatal fault of the log id ends the runner', async () => {
  const log = memoryLog(1)
  const runner = await makeRunner(log, new LedgerAccess(new Ledger()), {
    readLogId: async () => err(fatal('log-id-missing', 'none')),
  })
  void runner.start().catch(() => {})
  expect(await within(5_000, 'the end', runner.ended)).toMatchObject({ fault: { code: 'log-id-missing' } })
  await runner.stop()
})

test('two instances share the partitions, and one takes over from the other', async () => {
  const log = memoryLog(4)
  const ledger = new Ledger()
  const first = await makeRunner(log, new LedgerAccess(ledger))
  const second = await makeRunner(log, new LedgerAccess(ledger))
  await first.start()
  await second.start()
  await until(() => first.partitions.length === 2 && second.partitions.length === 2, { what: 'the split' })
  for (let partition = 0; partition < 4; partition++) await append(log, good(25), partition)
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await first.stop()
  await until(() => second.partitions.length === 4, { what: 'the takeover' })
  await append(log, ['later'], 0)
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await second.stop()
  expect(ledger.rows.size).toBe(100)
  expect(log.records(TOPICS.deadLetters)).toEqual([])
})

/** A store whose writes finish when told to. */
class SlowAccess extends LedgerAccess {
  readonly started = Promise.withResolvers<void>()
  readonly release = Promise.withResolvers<void>()
  override async apply(records: readonly Positioned<Entry>[]): Promise<Result<void>> {
    this.started.resolve()
    await this.release.promise
    return super.apply(records)
  }
}

test('a stop finishes the write in flight, its watermark included', async () => {
  const log = memoryLog(1)
  await append(log, good(5))
  const ledger = new Ledger()
  const access = new SlowAccess(ledger)
  const runner = await makeRunner(log, access)
  await runner.start()
  await within(5_000, 'a write', access.started.promise)
  const stopped = runner.stop()
  access.release.resolve()
  await within(5_000, 'the stop', stopped)
  expect(ledger.rows.size).toBe(5)
  expect(ledger.watermarks.get(0)?.nextOffset).toBe(5)
  expect(await runner.ended).toEqual(okResult(undefined))
})

test('what is taken away while the store is away is left to the next owner', async () => {
  const log = memoryLog(2)
  await append(log, good(20), 0)
  await append(log, good(20), 1)
  const ledger = new Ledger()
  const cutOff = new RefusingAccess(ledger)
  let tries = 0
  cutOff.refuse = () => {
    tries++
    return err(transient('clickhouse-unavailable', 'away'))
  }
  const first = await makeRunner(log, cutOff)
  await first.start()
  await until(() => tries > 2, { what: 'retries' })
  const second = await makeRunner(log, new LedgerAccess(ledger))
  await second.start()
  await until(() => second.partitions.length === 1, { what: 'the split' })
  await first.stop()
  await until(() => isCaughtUp(log, ledger), { what: 'caught up' })
  await second.stop()
  expect(ledger.rows.size).toBe(40)
})
