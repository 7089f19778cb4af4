import { openLibsecp256k1Checker } from './libsecp256k1-checker.ts'
import { openWasmChecker } from './wasm-checker.ts'

export type Implementation = 'libsecp256k1' | 'nostr-wasm'

/** BIP-340 verification on the calling thread; the sources of the arguments are plain bytes. */
export interface SignatureChecker {
  readonly implementation: Implementation
  /** `publicKey` 32 bytes (x only), `signature` 64 bytes; false for anything that is not a valid signature. */
  check(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

export interface CheckerChoice {
  /** auto: libsecp256k1 where the machine has it, else nostr-wasm. */
  readonly implementation: Implementation | 'auto'
  /** What the shared library may be called, tried in order. */
  readonly libraryNames: readonly string[]
}

/** Opens the wanted implementation; rejects when it is not to be had. */
export async function openChecker({
  implementation,
  libraryNames,
}: CheckerChoice): Promise<SignatureChecker> {
  if (implementation === 'nostr-wasm') return openWasmChecker()
  const checker = await openLibsecp256k1Checker(libraryNames)
  if (checker !== null) return checker
  if (implementation === 'auto') return openWasmChecker()
  throw new Error(`no shared library with BIP-340 found, tried: ${libraryNames.join(', ')}`)
}
