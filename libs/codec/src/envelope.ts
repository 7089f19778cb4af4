import { err, type Fault, ok, type Result } from '@millrace/kernel'
import type { Envelope, NostrEvent, Receipt } from '@millrace/nostr'
import { bytesOf, hexOf } from './hex.ts'
import { wireFormatOf } from './wire-format.ts'

interface EventBody {
  readonly id: Uint8Array
  readonly pubkey: Uint8Array
  readonly created_at: number
  readonly kind: number
  readonly tags: string[][]
  readonly content: string
  readonly sig: Uint8Array
  readonly received_at_ms: number
  readonly source: Receipt['source']
  readonly edge: string
}

/** An event and its receipt → the value of nostr.events and nostr.ephemeral. */
export function encodeEnvelope({ event, receipt }: Envelope): Buffer {
  return wireFormatOf('nostr-event').encode({
    id: bytesOf(event.id),
    pubkey: bytesOf(event.pubkey),
    created_at: event.created_at,
    kind: event.kind,
    tags: event.tags,
    content: event.content,
    sig: bytesOf(event.sig),
    received_at_ms: receipt.receivedAtMs,
    source: receipt.source,
    edge: receipt.edge,
  })
}

/** Faults: record-undecodable, schema-unknown. The signature is not checked again: only admitted events are in the log. */
export function decodeEnvelope(value: Buffer): Result<Envelope, Fault> {
  const decoded = wireFormatOf('nostr-event').decode(value)
  if (!decoded.ok) return err(decoded.fault)
  const body = decoded.value as unknown as EventBody
  const event: NostrEvent = {
    id: hexOf(body.id),
    pubkey: hexOf(body.pubkey),
    created_at: body.created_at,
    kind: body.kind,
    tags: body.tags,
    content: body.content,
    sig: hexOf(body.sig),
  }
  return ok({ event, receipt: { receivedAtMs: body.received_at_ms, source: body.source, edge: body.edge } })
}
