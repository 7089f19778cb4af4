import { type DeadLetter, decodeDeadLetter, decodeEnvelope, encodeDeadLetter } from '@millrace/codec'
import type { Log, LogProducer, OutgoingRecord } from '@millrace/kafka'
import { err, type FaultCode, ok, type Result } from '@millrace/kernel'
import { ownerOf, type TombstoneSet } from '@millrace/nostr'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { readTombstones } from './read-tombstones.ts'

export interface RedriveOptions {
  readonly log: Log
  readonly producer: LogProducer
  /** Only letters with one of these codes; all when absent. */
  readonly codes?: readonly FaultCode[]
  /** Only letters from this topic; all when absent. */
  readonly topic?: string
  /** Counts, and appends nothing. */
  readonly isDryRun?: boolean
  readonly onProgress?: (done: number, total: number) => void
}

export interface RedriveReport {
  /** Dead letters that the filter chose. */
  readonly chosen: number
  /** Appended to their origin topic again. */
  readonly redriven: number
  /** Left out because a tombstone covers their event. */
  readonly erased: number
  /** Kept: their value was too large for the letter, so there is nothing to append. */
  readonly withoutValue: number
  /** By fault code, over all chosen. */
  readonly byCode: Readonly<Record<string, number>>
}

/** The letters in force under one key: an event id, mostly, which several groups may have refused. */
interface KeyedLetters {
  readonly key: string
  readonly chosen: readonly DeadLetter[]
  readonly others: readonly DeadLetter[]
}

/** Keys appended and acknowledged before the next ones are: bounds what is in flight. */
const CHUNK_KEYS = 500

/**
 * Puts dead letters back into the topic they came from, in the partition of their owner, and then erases the letters with
 * a null. At least once: a crash in between appends a record again, which every fold takes as a redelivery.
 * Faults: those of the producer (transient).
 */
export async function redrive(options: RedriveOptions): Promise<Result<RedriveReport>> {
  const { log, producer, isDryRun = false, onProgress } = options
  const pending = (await readLetters(options)).filter(({ chosen }) => chosen.length > 0)
  const letters = pending.flatMap(({ chosen }) => chosen)
  const tombstones = await readTombstones(log)
  const partitionCount = await eventPartitionCount(log)
  const report = {
    chosen: letters.length,
    redriven: 0,
    erased: 0,
    withoutValue: 0,
    byCode: countByCode(letters),
  }
  for (let at = 0; at < pending.length; at += CHUNK_KEYS) {
    const appends: OutgoingRecord[] = []
    const settles: OutgoingRecord[] = []
    for (const { key, chosen, others } of pending.slice(at, at + CHUNK_KEYS)) {
      const kept = [...others]
      for (const letter of chosen) {
        const verdict = judge(letter, tombstones, partitionCount)
        report[verdict.what]++
        if (verdict.what === 'redriven') appends.push(verdict.record)
        if (verdict.what === 'withoutValue') kept.push(letter)
      }
      if (kept.length < chosen.length + others.length) settles.push(...settle(key, kept))
    }
    if (!isDryRun) {
      const done = await appendInTurn(producer, appends, settles)
      if (!done.ok) return done
    }
    onProgress?.(Math.min(at + CHUNK_KEYS, pending.length), pending.length)
  }
  return ok(report)
}

async function readLetters({ log, codes, topic }: RedriveOptions): Promise<readonly KeyedLetters[]> {
  const byKey = new Map<string, Map<string, DeadLetter>>()
  await log.readToEnd(TOPICS.deadLetters, ({ records }) => {
    for (const { key, value } of records) {
      const name = key?.toString('latin1') ?? ''
      if (value === null) {
        byKey.delete(name)
        continue
      }
      const letter = decodeDeadLetter(value)
      if (!letter.ok) continue
      const origins = byKey.get(name) ?? new Map<string, DeadLetter>()
      const { group, topic: from, partition, offset } = letter.value
      origins.set(`${group}:${from}:${partition}:${offset}`, letter.value)
      byKey.set(name, origins)
    }
  })
  const isChosen = (letter: DeadLetter): boolean =>
    (codes === undefined || (codes as readonly string[]).includes(letter.code)) &&
    (topic === undefined || letter.topic === topic)
  return [...byKey].map(([key, origins]) => ({
    key,
    chosen: [...origins.values()].filter(isChosen),
    others: [...origins.values()].filter((letter) => !isChosen(letter)),
  }))
}

/** A null erases all letters of a key; those that stay are written again after it. */
const settle = (key: string, kept: readonly DeadLetter[]): OutgoingRecord[] =>
  [null, ...kept.map((letter) => encodeDeadLetter(letter))].map((value) => ({
    topic: TOPICS.deadLetters,
    partition: 0,
    key,
    value,
  }))

/** The letters are settled only once their records are acknowledged. */
async function appendInTurn(
  producer: LogProducer,
  ...groups: readonly (readonly OutgoingRecord[])[]
): Promise<Result<void>> {
  for (const records of groups) {
    const results = await Promise.all(records.map((record) => producer.append(record)))
    for (const result of results) if (!result.ok) return err(result.fault)
  }
  return ok(undefined)
}

type Verdict =
  | { readonly what: 'redriven'; readonly record: OutgoingRecord }
  | { readonly what: 'erased' | 'withoutValue' }

function judge(letter: DeadLetter, tombstones: TombstoneSet, partitionCount: number): Verdict {
  const { topic, recordKey: key, recordValue: value, headers } = letter
  if (key === null || value === null) return { what: 'withoutValue' }
  let partition = letter.partition
  const envelope = topic === TOPICS.events ? decodeEnvelope(value) : null
  if (envelope?.ok) {
    const { event } = envelope.value
    if (tombstones.covers(event) || tombstones.isBelowFloor(event)) return { what: 'erased' }
    const owner = ownerOf(event)
    if (owner.ok) partition = partitionOfOwner(owner.value, partitionCount)
  }
  return { what: 'redriven', record: { topic, partition, key, value, headers } }
}

async function eventPartitionCount(log: Log): Promise<number> {
  const admin = await log.admin()
  const topic = await admin.describeTopic(TOPICS.events).finally(() => admin.close())
  return topic?.partitionCount ?? 1
}

function countByCode(letters: readonly DeadLetter[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { code } of letters) counts[code] = (counts[code] ?? 0) + 1
  return counts
}
