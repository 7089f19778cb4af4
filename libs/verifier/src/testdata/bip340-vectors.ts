import { readFileSync } from 'node:fs'

/** One line of the specification's own test vectors. */
export interface Bip340Vector {
  readonly index: number
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly valid: boolean
  readonly comment: string
}

/** BIP-340's test-vectors.csv: index, secret key, public key, aux, message, signature, result, comment. */
export function bip340Vectors(): readonly Bip340Vector[] {
  const text = readFileSync(new URL('./bip340-test-vectors.csv', import.meta.url), 'utf8')
  return text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => {
      const [index = '', , publicKey = '', , message = '', signature = '', result = '', ...comment] =
        line.split(',')
      return {
        index: Number(index),
        publicKey: Buffer.from(publicKey, 'hex'),
        message: Buffer.from(message, 'hex'),
        signature: Buffer.from(signature, 'hex'),
        valid: result === 'TRUE',
        comment: comment.join(','),
      }
    })
}
