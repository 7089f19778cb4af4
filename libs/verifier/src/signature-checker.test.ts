import { expect, test } from 'vitest'
import { LIBRARY_NAMES, openLibsecp256k1Checker } from './libsecp256k1-checker.ts'
import { openChecker, type SignatureChecker } from './signature-checker.ts'
import { bip340Vectors } from './testdata/bip340-vectors.ts'
import { openWasmChecker } from './wasm-checker.ts'

const vectors = bip340Vectors()

const verdictsOf = (checker: SignatureChecker) =>
  vectors.map(({ index, publicKey, message, signature }) => ({
    index,
    valid: checker.check(publicKey, message, signature),
  }))

const expected = vectors.map(({ index, valid }) => ({ index, valid }))

test('the vectors file is whole', () => {
  expect(vectors).toHaveLength(19)
  expect(vectors.filter((vector) => vector.valid)).toHaveLength(9)
})

test('nostr-wasm agrees with every vector of BIP-340', async () => {
  expect(verdictsOf(await openWasmChecker())).toEqual(expected)
})

test('libsecp256k1 agrees with every vector, and auto falls back to nostr-wasm where it is absent', async () => {
  const library = await openLibsecp256k1Checker(LIBRARY_NAMES)
  const auto = await openChecker({ implementation: 'auto', libraryNames: LIBRARY_NAMES })
  if (library === null) return expect(auto.implementation).toBe('nostr-wasm')
  expect(verdictsOf(library)).toEqual(expected)
  expect(auto.implementation).toBe('libsecp256k1')
})

test('a machine without the library gets nostr-wasm from auto and an error from libsecp256k1', async () => {
  const libraryNames = ['libmillrace-absent.so.1']
  const auto = await openChecker({ implementation: 'auto', libraryNames })
  expect(auto.implementation).toBe('nostr-wasm')
  await expect(openChecker({ implementation: 'libsecp256k1', libraryNames })).rejects.toThrow(
    'libmillrace-absent.so.1',
  )
})
