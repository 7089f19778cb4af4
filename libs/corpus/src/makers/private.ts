import { sealedText } from '../text.ts'
import type { Maker } from '../world.ts'

/** An encrypted direct message (NIP-04): AES ciphertext and initialisation vector in base64. */
export const directMessage: Maker = (world) => {
  const { random } = world
  const ciphertext = random.bytes(16 * random.int(1, 12)).toString('base64')
  return {
    kind: 4,
    content: `${ciphertext}?iv=${random.bytes(16).toString('base64')}`,
    tags: [['p', world.somebody().pubkey]],
  }
}

/** A gift wrap (NIP-59): signed by a key used once, addressed to its recipient. */
export const giftWrap: Maker = (world) => ({
  kind: 1_059,
  content: sealedText(world.random),
  tags: [['p', world.somebody().pubkey]],
  signer: world.oneTimeKey(),
})
