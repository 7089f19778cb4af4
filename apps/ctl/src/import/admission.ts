import { isUtf8 } from 'node:buffer'
import { type Clock, err, type Fault, FaultError, invalid, ok, type Result } from '@millrace/kernel'
import {
  checkEventId,
  isExpired,
  isProtected,
  KINDS,
  kindClass,
  type NostrEvent,
  ownerOf,
  parseEvent,
  type TombstoneSet,
} from '@millrace/nostr'
import type { Verifier } from '@millrace/verifier'
import type { Line } from './lines.ts'

export interface AdmissionRules {
  /** How far ahead of now created_at may lie, seconds. */
  readonly eventFutureMaxS: number
  /** Whether events with the tag `["-"]` are taken without their author being here to say so (NIP-70). */
  readonly allowProtected: boolean
  readonly tombstones: TombstoneSet
  /** Null: signatures are trusted; ids are recomputed all the same, since they are the keys of the log. */
  readonly verifier: Pick<Verifier, 'verify'> | null
  readonly clock: Clock
}

export interface Admitted {
  readonly event: NostrEvent
  readonly owner: string
}

const refuse = (code: Fault['code'], message: string): Result<never> => err(invalid(code, message))

/**
 * Whether a line is an event that the log takes: what the relay asks of a client's EVENT, save that there is no client.
 * Older versions of replaceable events are taken: the log and the view `events` hold every admitted event, the winner rule
 * decides what is current.
 */
export async function admit(line: Line, rules: AdmissionRules): Promise<Result<Admitted>> {
  const event = readEvent(line)
  if (!event.ok) return event
  const owner = checkAdmissible(event.value, rules)
  if (!owner.ok) return owner
  const authentic = await checkAuthentic(event.value, rules.verifier)
  if (!authentic.ok) return authentic
  return ok({ event: event.value, owner: owner.value })
}

function readEvent(line: Line): Result<NostrEvent> {
  if (line.bytes === null) return refuse('event-too-large', 'the line is longer than the largest event')
  if (!isUtf8(line.bytes)) return refuse('event-malformed', 'the line is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(line.bytes.toString('utf8'))
  } catch {
    return refuse('event-malformed', 'the line is not JSON')
  }
  return parseEvent(value)
}

/** What can be told without cryptography; answers the owner. */
function checkAdmissible(event: NostrEvent, rules: AdmissionRules): Result<string> {
  const nowS = rules.clock.nowS()
  if (event.kind === KINDS.clientAuth || event.kind === KINDS.httpAuth)
    return refuse('event-kind-refused', `kind ${event.kind} authenticates and is not to be stored`)
  if (kindClass(event.kind) === 'ephemeral')
    return refuse('event-kind-refused', `kind ${event.kind} is ephemeral and is never stored`)
  if (event.created_at > nowS + rules.eventFutureMaxS)
    return refuse('event-created-at-out-of-range', 'created_at is too far in the future')
  if (event.kind === KINDS.vanish && event.created_at > nowS)
    return refuse('event-created-at-out-of-range', 'a request to vanish must not lie in the future')
  if (isExpired(event, nowS)) return refuse('event-expired', 'the event has expired')
  if (isProtected(event) && !rules.allowProtected)
    return refuse('event-protected', 'only its author may publish the event (see --allow-protected)')
  if (rules.tombstones.covers(event) || rules.tombstones.isBelowFloor(event))
    return refuse('event-deleted', 'the event was deleted, or lies below a deleted version')
  return ownerOf(event)
}

async function checkAuthentic(
  event: NostrEvent,
  verifier: Pick<Verifier, 'verify'> | null,
): Promise<Result<void>> {
  if (verifier === null) return checkEventId(event)
  try {
    if (await verifier.verify(event)) return ok(undefined)
  } catch (cause) {
    if (cause instanceof FaultError) return err(cause.fault)
    throw cause
  }
  // The verifier says yes or no; the id tells which of the two it was.
  const id = checkEventId(event)
  return id.ok ? refuse('event-signature-invalid', 'the signature is not the author’s') : id
}
