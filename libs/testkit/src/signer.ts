import { hash } from 'node:crypto'
import { initNostrWasm } from 'nostr-wasm'

/** An event as tests make it: NIP-01's fields, assignable to the product's type without importing it. */
export interface SignedEvent {
  readonly id: string
  readonly pubkey: string
  readonly created_at: number
  readonly kind: number
  readonly tags: string[][]
  readonly content: string
  readonly sig: string
}

export interface EventTemplate {
  readonly kind: number
  readonly content?: string
  readonly tags?: readonly (readonly string[])[]
  /** Seconds since the Unix epoch; now when absent. */
  readonly created_at?: number
}

/** A key pair of the tests: the same seed gives the same pair on every run. */
export interface TestKey {
  readonly secretKey: Uint8Array
  /** 64 lowercase hex characters. */
  readonly pubkey: string
}

const wasm = await initNostrWasm()

/** Fixed, so that the same template and key give the same signature on every run. */
const AUXILIARY_RANDOMNESS = new Uint8Array(32)

export function testKey(seed: number | string): TestKey {
  const secretKey = new Uint8Array(hash('sha256', `millrace test key ${seed}`, 'buffer'))
  return { secretKey, pubkey: Buffer.from(wasm.getPublicKey(secretKey)).toString('hex') }
}

/** Completes and signs an event (about 0.4 ms). */
export function sign(template: EventTemplate, key: TestKey): SignedEvent {
  const event = { ...complete(template), id: '', pubkey: key.pubkey, sig: '' }
  wasm.finalizeEvent(event, key.secretKey, AUXILIARY_RANDOMNESS)
  const { id, pubkey, created_at, kind, tags, content, sig } = event
  return { id, pubkey, created_at, kind, tags, content, sig }
}

/** An event with its right id and a signature of zeros: for folds and queries, which never look at signatures. */
export function unsigned(template: EventTemplate, pubkey: string): SignedEvent {
  const { created_at, kind, tags, content } = complete(template)
  const id = hash('sha256', JSON.stringify([0, pubkey, created_at, kind, tags, content]), 'hex')
  return { id, pubkey, created_at, kind, tags, content, sig: '0'.repeat(128) }
}

/** The client's answer to an AUTH challenge (NIP-42). */
export function signAuth(challenge: string, relayUrl: string, key: TestKey): SignedEvent {
  const tags = [
    ['relay', relayUrl],
    ['challenge', challenge],
  ]
  return sign({ kind: 22242, tags }, key)
}

function complete(template: EventTemplate) {
  return {
    kind: template.kind,
    content: template.content ?? '',
    tags: (template.tags ?? []).map((tag) => [...tag]),
    created_at: template.created_at ?? Math.floor(Date.now() / 1000),
  }
}
