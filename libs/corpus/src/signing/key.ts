import { hash } from 'node:crypto'
import type { UnsignedEvent } from '@millrace/nostr'
import { initNostrWasm } from 'nostr-wasm'

const wasm = await initNostrWasm()

/** BIP-340's auxiliary randomness; fixed, so that a corpus is the same down to its signatures. */
const AUXILIARY_RANDOMNESS = new Uint8Array(32)

export interface KeyPair {
  readonly secretKey: Uint8Array
  /** 64 lowercase hex characters. */
  readonly pubkey: string
}

/** The key pair that a seed text stands for. A digest is no valid secret key once in 2^128: not worth a branch. */
export function keyPairOf(seed: string): KeyPair {
  const secretKey = new Uint8Array(hash('sha256', seed, 'buffer'))
  return { secretKey, pubkey: Buffer.from(wasm.getPublicKey(secretKey)).toString('hex') }
}

/** The signature of an event by `secretKey` (about 0.3 ms): 128 lowercase hex characters. */
export function signatureOf(event: UnsignedEvent, secretKey: Uint8Array): string {
  const { pubkey, created_at, kind, tags, content } = event
  const signed = { id: '', pubkey, created_at, kind, tags: tags as string[][], content, sig: '' }
  wasm.finalizeEvent(signed, secretKey, AUXILIARY_RANDOMNESS)
  return signed.sig
}
