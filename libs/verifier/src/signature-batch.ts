import type { Implementation, SignatureChecker } from './signature-checker.ts'

/** First message of a verifier thread. */
export interface WorkerReady {
  readonly implementation: Implementation
}

/** One byte per signature, 1 = valid, in the order of the batch. */
export type BatchVerdicts = Uint8Array<ArrayBuffer>

/** What is checked: lowercase hex of 32, 32 and 64 bytes. */
export interface SignedId {
  readonly pubkey: string
  readonly id: string
  readonly sig: string
}

const KEY_BYTES = 32
const ID_BYTES = 32
const SIGNATURE_BYTES = 64
const ITEM_BYTES = KEY_BYTES + ID_BYTES + SIGNATURE_BYTES

/** Packs signatures into one buffer that can be moved to another thread without a copy: 128 bytes each. */
export function packBatch(items: readonly SignedId[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(items.length * ITEM_BYTES))
  const writer = Buffer.from(bytes.buffer)
  let at = 0
  for (const { pubkey, id, sig } of items) {
    writer.write(pubkey, at, 'hex')
    writer.write(id, at + KEY_BYTES, 'hex')
    writer.write(sig, at + KEY_BYTES + ID_BYTES, 'hex')
    at += ITEM_BYTES
  }
  return bytes
}

/** Checks every signature of a packed batch. */
export function checkBatch(checker: SignatureChecker, batch: Uint8Array): BatchVerdicts {
  const count = batch.length / ITEM_BYTES
  const verdicts = new Uint8Array(count)
  for (let index = 0; index < count; index++) {
    const at = index * ITEM_BYTES
    const publicKey = batch.subarray(at, at + KEY_BYTES)
    const id = batch.subarray(at + KEY_BYTES, at + KEY_BYTES + ID_BYTES)
    const signature = batch.subarray(at + KEY_BYTES + ID_BYTES, at + ITEM_BYTES)
    verdicts[index] = checker.check(publicKey, id, signature) ? 1 : 0
  }
  return verdicts
}
