import type { ClickHouse } from '@millrace/clickhouse'
import { err, ok, type Result } from '@millrace/kernel'
import { type Envelope, kindClass, type Tombstone } from '@millrace/nostr'
import type { Sink } from '@millrace/pipeline'
import { writeErasures } from './erasure-rows.ts'
import { foldTombstones } from './erasures.ts'
import { eventBodies, INSERT_EVENTS } from './event-rows.ts'
import { type AppliedRecord, type EventRow, foldEvent } from './fold.ts'
import { Repairs } from './repairs.ts'

export interface EventsSinkOptions {
  /** Largest body of one insert, bytes (default 16 MiB). */
  readonly insertBytesMax?: number
}

/**
 * The only writer to the tables of this projection. Both methods are idempotent and return once their rows are durable;
 * the watermark is the caller's to write, afterwards. A crash anywhere leaves views that are right for what was written.
 */
export interface EventsSink extends Sink<Envelope> {
  /** Faults: event-kind-refused, event-owner-missing (poison), clickhouse-unavailable, clickhouse-refused. */
  apply(records: readonly AppliedRecord[]): Promise<Result<void>>
  /** Faults: clickhouse-unavailable, clickhouse-refused. */
  applyTombstones(tombstones: readonly Tombstone[]): Promise<Result<void>>
}

export function createEventsSink(ch: ClickHouse, options: EventsSinkOptions = {}): EventsSink {
  const insertBytesMax = options.insertBytesMax ?? 16 * 1024 * 1024
  const repairs = new Repairs(ch)

  const apply = async (records: readonly AppliedRecord[]): Promise<Result<void>> => {
    const rows = foldAll(records)
    if (!rows.ok) return rows
    for (const body of eventBodies(rows.value, insertBytesMax)) {
      const inserted = await ch.insertBytes(INSERT_EVENTS, body, { name: 'events_insert' })
      if (!inserted.ok) return inserted
    }
    // An erasure may have been written since this batch was checked against the tombstones. Whoever writes last looks
    // for the other's rows, so at least one of the two sees that a winner is erased.
    const versions = rows.value.filter(({ event }) => kindClass(event.kind) !== 'regular')
    return repairs.afterEvents(versions.map(({ event }) => event.id))
  }

  const applyTombstones = async (tombstones: readonly Tombstone[]): Promise<Result<void>> => {
    const erasures = foldTombstones(tombstones)
    const eventIds = erasures.events.map(({ eventId }) => eventId)
    const steps = [
      () => repairs.mark(eventIds),
      () => writeErasures(ch, erasures),
      // Again: a version may have come in between.
      () => repairs.mark(eventIds),
      () => repairs.repair(),
    ]
    for (const step of steps) {
      const done = await step()
      if (!done.ok) return done
    }
    return ok(undefined)
  }

  return { name: 'events', writeSpan: 'clickhouse.insert', apply, applyTombstones }
}

function foldAll(records: readonly AppliedRecord[]): Result<readonly EventRow[]> {
  const rows: EventRow[] = []
  for (const record of records) {
    const row = foldEvent(record)
    if (!row.ok) return err(row.fault)
    rows.push(row.value)
  }
  return ok(rows)
}
