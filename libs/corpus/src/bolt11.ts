import type { Random } from './random.ts'

const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const

/** Data words of the signature: 64 bytes and the recovery id. */
const SIGNATURE_WORDS = 104

/**
 * An invoice in the form of BOLT 11 (bech32 with a right checksum, amount, timestamp, payment hash, payment secret and the
 * hash of its description, as NIP-57 asks) with random bytes where a node's signature would be.
 */
export function bolt11(
  random: Random,
  invoice: {
    readonly amountSats: number
    readonly timestampS: number
    readonly paymentHash: Buffer
    readonly descriptionHash: Buffer
  },
): string {
  const words = [
    ...numberWords(invoice.timestampS, 7),
    ...field('p', bytesToWords(invoice.paymentHash)),
    ...field('s', bytesToWords(random.bytes(32))),
    ...field('h', bytesToWords(invoice.descriptionHash)),
    ...field('x', numberWords(3600, 3)),
    ...Array.from({ length: SIGNATURE_WORDS }, () => random.int(0, 31)),
  ]
  return bech32(`lnbc${amount(invoice.amountSats)}`, words)
}

/** Whole satoshis in BOLT 11's multipliers of a bitcoin: n is 0.1 sat, u 100 sat. */
const amount = (sats: number): string => (sats % 100 === 0 ? `${sats / 100}u` : `${sats * 10}n`)

const field = (letter: string, words: readonly number[]): number[] => [
  CHARSET.indexOf(letter),
  words.length >> 5,
  words.length & 31,
  ...words,
]

function numberWords(value: number, count: number): number[] {
  const words: number[] = []
  for (let rest = value; words.length < count; rest = Math.floor(rest / 32)) words.unshift(rest % 32)
  return words
}

/** Eight-bit bytes as five-bit words, the last one padded with zeros. */
export function bytesToWords(bytes: Uint8Array): number[] {
  const words: number[] = []
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) words.push((buffer >>> (bits - 5)) & 31)
    buffer &= 31
  }
  if (bits > 0) words.push((buffer << (5 - bits)) & 31)
  return words
}

function bech32(prefix: string, words: readonly number[]): string {
  const expanded = [
    ...[...prefix].map((c) => c.charCodeAt(0) >> 5),
    0,
    ...[...prefix].map((c) => c.charCodeAt(0) & 31),
  ]
  const checksum = polymod([...expanded, ...words, 0, 0, 0, 0, 0, 0]) ^ 1
  const tail = [25, 20, 15, 10, 5, 0].map((shift) => (checksum >>> shift) & 31)
  return `${prefix}1${[...words, ...tail].map((word) => CHARSET[word]).join('')}`
}

/** BIP-173's checksum over five-bit values; 1 for a valid string with its prefix expanded. */
export function polymod(values: readonly number[]): number {
  let checksum = 1
  for (const value of values) {
    const top = checksum >>> 25
    checksum = ((checksum & 0x1ffffff) << 5) ^ value
    for (let bit = 0; bit < 5; bit++) if ((top >>> bit) & 1) checksum ^= GENERATOR[bit] as number
  }
  return checksum
}
