import { hash } from 'node:crypto'
import { checkEventId, eventJson, kindClass, type NostrEvent, ownerOf, parseEvent } from '@millrace/nostr'
import { initNostrWasm } from 'nostr-wasm'
import { expect, test } from 'vitest'
import { polymod } from './bolt11.ts'
import { type CorpusOptions, generateCorpus } from './index.ts'

const wasm = await initNostrWasm()

async function corpus(options: CorpusOptions): Promise<NostrEvent[]> {
  const events: NostrEvent[] = []
  for await (const batch of generateCorpus(options)) events.push(...batch)
  return events
}

const digest = (events: readonly NostrEvent[]) => hash('sha256', events.map(eventJson).join('\n'), 'hex')

const hasRightSignature = (event: NostrEvent): boolean => {
  try {
    wasm.verifyEvent(event as never)
    return true
  } catch {
    return false
  }
}

const tagOf = (event: Pick<NostrEvent, 'tags'>, name: string): string =>
  event.tags.find((tag) => tag[0] === name)?.[1] ?? ''

const events = await corpus({ seed: 'tests', count: 1_500, authorCount: 60 })

test('the same options give the same bytes, on every machine and in every run', async () => {
  expect(digest(await corpus({ seed: 'tests', count: 1_500, authorCount: 60 }))).toBe(digest(events))
  expect(digest(events)).toMatchInlineSnapshot(
    `"4424e7173a62a798409590f21a6d017084fc0ae3f40ec7820d5bc5cf1f54fd71"`,
  )
})

test('another seed gives other events', async () => {
  const ids = new Set(events.map((event) => event.id))
  for (const event of await corpus({ seed: 'other', count: 200 })) expect(ids.has(event.id)).toBe(false)
})

test('every event has the exact shape, its own id, a right signature and an owner', () => {
  for (const event of events) {
    expect(parseEvent(JSON.parse(eventJson(event)))).toEqual({ ok: true, value: event })
    expect(checkEventId(event).ok && ownerOf(event).ok).toBe(true)
    expect(hasRightSignature(event), `kind ${event.kind}`).toBe(true)
  }
  expect(new Set(events.map((event) => event.id)).size).toBe(events.length)
})

test('events come in order of created_at, within the given time', async () => {
  const some = await corpus({ seed: 'time', count: 300, fromS: 1_000, toS: 1_100 })
  expect(some.map((event) => event.created_at)).toEqual(
    some.map((event) => event.created_at).sort((a, b) => a - b),
  )
  expect(some[0]?.created_at).toBe(1_000)
  expect(some.at(-1)?.created_at).toBe(1_099)
})

test('the mix has what the views need: threads, reactions, zaps, lists, articles, all video kinds; nothing ephemeral', () => {
  const kinds = new Set(events.map((event) => event.kind))
  for (const kind of [0, 1, 3, 4, 6, 7, 21, 22, 1059, 1111, 9735, 10002, 30023, 34235, 34236])
    expect(kinds, String(kind)).toContain(kind)
  expect(kinds).not.toContain(5)
  expect(events.some((event) => kindClass(event.kind) === 'ephemeral')).toBe(false)
  expect(events.some((event) => event.kind === 1 && tagOf(event, 't') !== '')).toBe(true)
})

test('references point at earlier events of the corpus', () => {
  const seen = new Set<string>()
  for (const event of events) {
    for (const tag of event.tags) if (tag[0] === 'e') expect(seen, `kind ${event.kind}`).toContain(tag[1])
    seen.add(event.id)
  }
})

test('zaps carry a signed request and an invoice that commits to it', () => {
  const zaps = events.filter((event) => event.kind === 9735)
  expect(zaps.length).toBeGreaterThan(10)
  for (const zap of zaps) {
    const description = tagOf(zap, 'description')
    const request = JSON.parse(description) as NostrEvent
    expect(request.kind === 9734 && hasRightSignature(request)).toBe(true)
    const invoice = readInvoice(tagOf(zap, 'bolt11'))
    expect(invoice.descriptionHash).toBe(hash('sha256', description, 'hex'))
    expect(invoice.amountSats * 1000).toBe(Number(tagOf(request, 'amount')))
    expect(invoice.paymentHash).toBe(hash('sha256', Buffer.from(tagOf(zap, 'preimage'), 'hex'), 'hex'))
  }
})

test('reposts carry the reposted event whole', () => {
  const reposts = events.filter((event) => event.kind === 6 || event.kind === 16)
  expect(reposts.length).toBeGreaterThan(10)
  for (const repost of reposts) {
    const inner = JSON.parse(repost.content) as NostrEvent
    expect(inner.id).toBe(tagOf(repost, 'e'))
    expect(hasRightSignature(inner)).toBe(true)
  }
})

test('deletion requests come when asked for, and name own events only', async () => {
  const some = await corpus({ seed: 'deletions', count: 800, authorCount: 30, deletionShare: 0.1 })
  const authors = new Map(some.map((event) => [event.id, event.pubkey]))
  const deletions = some.filter((event) => event.kind === 5)
  expect(deletions.length).toBeGreaterThan(20)
  for (const { tags, pubkey } of deletions)
    for (const tag of tags) if (tag[0] === 'e') expect(authors.get(tag[1] ?? '')).toBe(pubkey)
})

const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** A reader of BOLT 11 of its own: prefix, checksum, amount, the tagged fields p and h. */
function readInvoice(invoice: string) {
  const split = invoice.lastIndexOf('1')
  const prefix = invoice.slice(0, split)
  const words = [...invoice.slice(split + 1)].map((character) => CHARSET.indexOf(character))
  const codes = [...prefix].map((character) => character.charCodeAt(0))
  expect(polymod([...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...words])).toBe(1)
  const [, digits, unit] = /^lnbc(\d+)([un])$/.exec(prefix) ?? []
  const fields = new Map<string, string>()
  for (let at = 7; at < words.length - 104 - 6; ) {
    const length = (words[at + 1] ?? 0) * 32 + (words[at + 2] ?? 0)
    fields.set(CHARSET[words[at] ?? 0] ?? '', hexOf(words.slice(at + 3, at + 3 + length)))
    at += 3 + length
  }
  return {
    amountSats: unit === 'u' ? Number(digits) * 100 : Number(digits) / 10,
    paymentHash: fields.get('p'),
    descriptionHash: fields.get('h'),
  }
}

function hexOf(words: readonly number[]): string {
  const bits = words.map((word) => word.toString(2).padStart(5, '0')).join('')
  const bytes = bits.slice(0, 256).match(/.{8}/g) ?? []
  return bytes.map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, '0')).join('')
}
