import { open } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { KINDS } from '@millrace/nostr'
import type { ErasureSubject } from './subject.ts'

const CHUNK_BYTES = 1024 * 1024
/** How far before a tag the second and the kind of its event are looked for. */
const BEFORE_TAG_BYTES_MAX = 64 * 1024
/** Longest fixed-size part of a serialised event that follows a marker. */
const AFTER_MARKER_BYTES = 128

/** A find of a raw scan: the byte offset in the file, and what was found there. */
export interface RawTrace {
  readonly offset: number
  readonly what: 'event' | 'needle'
}

/**
 * Looks through the raw bytes of a file for serialised events (the JSON of `eventJson`) of the subject and for its needles: live
 * records, free pages and gaps alike. Bounded memory; yields to the event loop after every chunk of a mebibyte.
 *
 * @param tracesMax the scan ends after this many
 */
export async function scanFile(
  path: string,
  subject: ErasureSubject,
  tracesMax: number,
): Promise<readonly RawTrace[]> {
  const file = await open(path, 'r')
  const traces = new Map<number, RawTrace>()
  try {
    const overlap = BEFORE_TAG_BYTES_MAX + Math.max(AFTER_MARKER_BYTES, ...subject.needles.map(byteLength))
    const window = Buffer.allocUnsafe(overlap + CHUNK_BYTES)
    let held = 0
    let start = 0
    while (traces.size < tracesMax) {
      const { bytesRead } = await file.read(window, held, CHUNK_BYTES, start + held)
      if (bytesRead === 0) break
      const filled = window.subarray(0, held + bytesRead)
      for (const { offset, what } of scanBytes(filled, subject))
        if (traces.size < tracesMax) traces.set(start + offset, { offset: start + offset, what })
      const kept = Math.min(overlap, filled.length)
      start += filled.length - kept
      filled.copy(window, 0, filled.length - kept)
      held = kept
      await nextTurn()
    }
  } finally {
    await file.close()
  }
  return [...traces.values()]
}

const byteLength = (text: string): number => Buffer.byteLength(text)

/** The same in memory; offsets are those of the markers. */
export function* scanBytes(bytes: Buffer, subject: ErasureSubject): Generator<RawTrace> {
  for (const needle of subject.needles)
    for (const offset of occurrences(bytes, Buffer.from(needle))) yield { offset, what: 'needle' }
  const { target } = subject
  if (target.type === 'event') {
    for (const offset of occurrences(bytes, Buffer.from(`"id":"${target.id}"`)))
      yield { offset, what: 'event' }
    return
  }
  for (const offset of occurrences(bytes, Buffer.from(`"pubkey":"${target.pubkey}"`))) {
    const found = AUTHORED.exec(bytes.toString('latin1', offset + PUBKEY_BYTES, offset + PUBKEY_BYTES + 64))
    if (found === null || Number(found[1]) > target.untilS) continue
    const kind = Number(found[2])
    const isMeant =
      target.type === 'pubkey'
        ? kind !== KINDS.vanish
        : kind === target.kind && namesD(bytes, offset + PUBKEY_BYTES, target.d)
    if (isMeant) yield { offset, what: 'event' }
  }
  if (target.type === 'pubkey') yield* wrapsIn(bytes, target)
}

/** Gift wraps to the key. */
function* wrapsIn(bytes: Buffer, target: { pubkey: string; untilS: number }): Generator<RawTrace> {
  for (const offset of occurrences(bytes, Buffer.from(`["p","${target.pubkey}"`))) {
    const before = bytes.toString('latin1', Math.max(0, offset - BEFORE_TAG_BYTES_MAX), offset)
    const found = WRAPPED.exec(before.slice(before.lastIndexOf('"created_at":')))
    if (found !== null && Number(found[1]) <= target.untilS) yield { offset, what: 'event' }
  }
}

/** Whether a `d` tag with the value follows before the next event begins; an address without one needs none. */
function namesD(bytes: Buffer, from: number, d: string): boolean {
  if (d === '') return true
  const after = bytes.subarray(from, from + BEFORE_TAG_BYTES_MAX)
  const at = after.indexOf(`["d",${JSON.stringify(d)}`)
  const next = after.indexOf('"pubkey":"')
  return at !== -1 && (next === -1 || at < next)
}

const PUBKEY_BYTES = '"pubkey":""'.length + 64
/** As `eventJson` orders them; other writers' spaces are allowed. */
const AUTHORED = /^\s*,\s*"created_at"\s*:\s*(\d+)\s*,\s*"kind"\s*:\s*(\d+)/
const WRAPPED = /^"created_at":\s*(\d+)\s*,\s*"kind"\s*:\s*(?:1059|21059)\D/

function* occurrences(bytes: Buffer, wanted: Buffer): Generator<number> {
  if (wanted.length === 0) return
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) yield at
}
