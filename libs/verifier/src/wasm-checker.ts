import { readFile } from 'node:fs/promises'
import type { SignatureChecker } from './signature-checker.ts'

/** Longest message that is checked here, bytes: an event id has 32, BIP-340's own vectors up to 100. */
const MESSAGE_BYTES_MAX = 256
const PUBLIC_KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const XONLY_PUBKEY_BYTES = 64
/** SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY */
const CONTEXT_FLAGS = 513 | 257

// TypeScript types this global only together with the whole DOM.
declare const WebAssembly: {
  instantiate(code: Uint8Array, imports: object): Promise<{ instance: { exports: unknown } }>
}

/** The functions that nostr-wasm 0.1.0 compiles in, under the names its linker gave them. */
interface WasmExports {
  readonly g: { readonly buffer: ArrayBuffer }
  readonly h: () => void
  readonly i: (bytes: number) => number
  readonly o: (flags: number) => number
  readonly p: (context: number, key: number, input: number) => number
  readonly u: (context: number, signature: number, message: number, bytes: number, key: number) => number
}

/**
 * libsecp256k1 compiled to WebAssembly, from the package nostr-wasm. Its JavaScript verifies whole events only and grows
 * hex digit by digit, so the module is called directly: 128 bytes a signature cross threads instead of an event.
 */
export async function openWasmChecker(): Promise<SignatureChecker> {
  const wasmUrl = new URL('../public/out/secp256k1.wasm', import.meta.resolve('nostr-wasm'))
  let heap = new Uint8Array(0)
  const { instance } = await WebAssembly.instantiate(await readFile(wasmUrl), { a: importsOn(() => heap) })
  const wasm = instance.exports as WasmExports
  // The memory never grows, because `resize` refuses: one view of it stays valid.
  heap = new Uint8Array(wasm.g.buffer)
  wasm.h()
  const keyIn = wasm.i(PUBLIC_KEY_BYTES)
  const key = wasm.i(XONLY_PUBKEY_BYTES)
  const signatureIn = wasm.i(SIGNATURE_BYTES)
  const messageIn = wasm.i(MESSAGE_BYTES_MAX)
  const context = wasm.o(CONTEXT_FLAGS)
  return {
    implementation: 'nostr-wasm',
    check(publicKey, message, signature) {
      if (message.length > MESSAGE_BYTES_MAX) throw new RangeError(`message over ${MESSAGE_BYTES_MAX} bytes`)
      heap.set(publicKey, keyIn)
      heap.set(message, messageIn)
      heap.set(signature, signatureIn)
      if (wasm.p(context, key, keyIn) !== 1) return false
      return wasm.u(context, signatureIn, messageIn, message.length, key) === 1
    },
  }
}

/** What the module needs from its host: memory moves, and nothing that touches the outside. */
const importsOn = (heap: () => Uint8Array) => ({
  a: () => {
    throw new Error('libsecp256k1 aborted')
  },
  b: () => EBADF,
  c: () => EBADF,
  d: () => {
    throw new Error('libsecp256k1 ran out of memory')
  },
  e: () => EBADF,
  f: (to: number, from: number, bytes: number) => heap().copyWithin(to, from, from + bytes),
})

/** WASI's "bad file descriptor": nothing can be opened, so nothing can be written, sought or closed. */
const EBADF = 8
