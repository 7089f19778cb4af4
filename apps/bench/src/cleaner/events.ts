import { randomBytes } from 'node:crypto'
import { encodeEnvelope } from '@millrace/codec'

/** Mean length of the text that makes a value of 521 bytes on average, as real events have. */
const CONTENT_CHARACTERS_MEAN = 218
const TEXT =
  'the log is the truth and what is deleted stays deleted once the cleaner has passed over it; '.repeat(10)
const NOW_S = 1_700_000_000
const RANDOM_BYTES = 194

/** As large as real events, with ids, keys and signatures that do not compress. The cleaner looks at keys and sizes alone. */
export function syntheticEvent(index: number): { readonly id: string; readonly value: Buffer } {
  const random = randomBytes(RANDOM_BYTES)
  const hex = random.toString('hex')
  const id = hex.slice(0, 64)
  const value = encodeEnvelope({
    event: {
      id,
      pubkey: hex.slice(64, 128),
      created_at: NOW_S + index,
      kind: 1,
      tags: [
        ['e', hex.slice(128, 192), '', 'reply'],
        ['p', hex.slice(192, 256)],
      ],
      content: TEXT.slice(0, random.readUInt16BE(RANDOM_BYTES - 2) % (2 * CONTENT_CHARACTERS_MEAN)),
      sig: hex.slice(256, 384),
    },
    receipt: { receivedAtMs: NOW_S * 1000 + index, source: 'client', edge: 'edge-1' },
  })
  return { id, value }
}
