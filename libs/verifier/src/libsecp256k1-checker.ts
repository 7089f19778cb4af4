import type { LibraryHandle } from 'koffi'
import type { SignatureChecker } from './signature-checker.ts'

/**
 * Versions whose `secp256k1_schnorrsig_verify` takes a message length, newest first. `.so.0` is left out on purpose: it
 * names builds from before and after that parameter came, and the older ones would read the length as a pointer.
 */
export const LIBRARY_NAMES: readonly string[] =
  process.platform === 'darwin'
    ? [
        'libsecp256k1.6.dylib',
        'libsecp256k1.2.dylib',
        '/opt/homebrew/lib/libsecp256k1.dylib',
        '/usr/local/lib/libsecp256k1.dylib',
      ]
    : ['libsecp256k1.so.6', 'libsecp256k1.so.2', 'libsecp256k1.so.1']

/** SECP256K1_CONTEXT_VERIFY: needed up to 0.2, the same as NONE since. */
const CONTEXT_VERIFY = 257
/** sizeof(secp256k1_xonly_pubkey) */
const XONLY_PUBKEY_BYTES = 64

/** The first library that loads and has the schnorrsig module; null when none does. */
export async function openLibsecp256k1Checker(names: readonly string[]): Promise<SignatureChecker | null> {
  const koffi = await importKoffi()
  if (koffi === null) return null
  for (const name of names) {
    try {
      return bind(koffi.load(name))
    } catch {
      // Absent, or built without schnorrsig: the next name may do.
    }
  }
  return null
}

/** koffi is native code without a build for every platform; where it does not load, wasm takes over. */
async function importKoffi(): Promise<typeof import('koffi').default | null> {
  try {
    return (await import('koffi')).default
  } catch {
    return null
  }
}

function bind(library: LibraryHandle): SignatureChecker {
  const createContext = library.func('void *secp256k1_context_create(unsigned int flags)')
  const parseKey = library.func(
    'int secp256k1_xonly_pubkey_parse(void *ctx, uint8_t *key, const uint8_t *in)',
  )
  const verify = library.func(
    'int secp256k1_schnorrsig_verify(void *ctx, const uint8_t *sig, const uint8_t *msg, size_t len, const uint8_t *key)',
  )
  const context: unknown = createContext(CONTEXT_VERIFY)
  const key = new Uint8Array(XONLY_PUBKEY_BYTES)
  return {
    implementation: 'libsecp256k1',
    check: (publicKey, message, signature) =>
      parseKey(context, key, publicKey) === 1 &&
      verify(context, signature, message, message.length, key) === 1,
  }
}
