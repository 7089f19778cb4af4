import { assertNever, err, type Fault, invalid, ok, type Result } from '@millrace/kernel'
import type { Floor, Tombstone, TombstoneTarget } from '@millrace/nostr'
import { bytesOf, hexOf, hexOrNull } from './hex.ts'
import { wireFormatOf } from './wire-format.ts'

interface FloorBody {
  readonly kind: number
  readonly pubkey: Uint8Array
  readonly d: string
  readonly created_at: number
  readonly id: Uint8Array | null
}

interface TombstoneBody {
  readonly author: Uint8Array
  readonly request_id: Uint8Array
  readonly request_created_at: number
  readonly target: TombstoneTarget['type']
  readonly target_id: Uint8Array | null
  readonly target_kind: number | null
  readonly target_pubkey: Uint8Array | null
  readonly target_d: string | null
  readonly until: number | null
  readonly floor: FloorBody | null
  readonly reason: Tombstone['reason']
  readonly recorded_at_ms: number
}

/** The record key of a tombstone: `<author>:<target>:<request id>`, so that no two requests collide. */
export function tombstoneKey({ author, target, requestId }: Tombstone): string {
  return `${author}:${targetKey(target)}:${requestId}`
}

const targetKey = (target: TombstoneTarget): string => {
  switch (target.type) {
    case 'event':
      return `e:${target.id}`
    case 'address':
      return `a:${target.kind}:${target.pubkey}:${target.d}`
    case 'pubkey':
      return `p:${target.pubkey}`
    default:
      return assertNever(target)
  }
}

export function encodeTombstone(tombstone: Tombstone): Buffer {
  const { target, floor } = tombstone
  return wireFormatOf('tombstone').encode({
    author: bytesOf(tombstone.author),
    request_id: bytesOf(tombstone.requestId),
    request_created_at: tombstone.requestCreatedAt,
    target: target.type,
    target_id: target.type === 'event' ? bytesOf(target.id) : null,
    target_kind: target.type === 'address' ? target.kind : null,
    target_pubkey: target.type === 'event' ? null : bytesOf(target.pubkey),
    target_d: target.type === 'address' ? target.d : null,
    until: target.type === 'event' ? null : target.untilS,
    floor: floor && floorBody(floor),
    reason: tombstone.reason,
    recorded_at_ms: tombstone.recordedAtMs,
  })
}

const floorBody = (floor: Floor): FloorBody => ({
  kind: floor.kind,
  pubkey: bytesOf(floor.pubkey),
  d: floor.d,
  created_at: floor.createdAt,
  id: floor.id === null ? null : bytesOf(floor.id),
})

/** Faults: record-undecodable, schema-unknown. */
export function decodeTombstone(value: Buffer): Result<Tombstone, Fault> {
  const decoded = wireFormatOf('tombstone').decode(value)
  if (!decoded.ok) return err(decoded.fault)
  const body = decoded.value as unknown as TombstoneBody
  const target = targetOf(body)
  if (!target) return err(invalid('record-undecodable', 'tombstone: the target lacks its fields'))
  return ok({
    author: hexOf(body.author),
    requestId: hexOf(body.request_id),
    requestCreatedAt: body.request_created_at,
    target,
    floor: body.floor && {
      kind: body.floor.kind,
      pubkey: hexOf(body.floor.pubkey),
      d: body.floor.d,
      createdAt: body.floor.created_at,
      id: hexOrNull(body.floor.id),
    },
    reason: body.reason,
    recordedAtMs: body.recorded_at_ms,
  })
}

function targetOf(body: TombstoneBody): TombstoneTarget | null {
  const { target_id: id, target_kind: kind, target_pubkey: key, target_d: d, until: untilS } = body
  switch (body.target) {
    case 'event':
      return id === null ? null : { type: 'event', id: hexOf(id) }
    case 'address':
      if (kind === null || key === null || d === null || untilS === null) return null
      return { type: 'address', kind, pubkey: hexOf(key), d, untilS }
    case 'pubkey':
      return key === null || untilS === null ? null : { type: 'pubkey', pubkey: hexOf(key), untilS }
    default:
      return assertNever(body.target)
  }
}
