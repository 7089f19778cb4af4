import { hash } from 'node:crypto'
import { addressOf, eventJson } from '@millrace/nostr'
import { bolt11 } from '../bolt11.ts'
import { draftOf } from '../draft.ts'
import { signatureOf } from '../signing/key.ts'
import { emoji, sentence } from '../text.ts'
import type { Author, Maker, World } from '../world.ts'

/** A post that somebody responds to: mostly notes, sometimes an article or a video. */
const target = (world: World) =>
  (world.random.chance(0.15) ? world.recent(world.publications) : null) ?? world.recent(world.notes)

/** A reaction (NIP-25): likes, some emoji, few dislikes. */
export const reaction: Maker = (world) => {
  const liked = target(world)
  if (liked === null) return null
  const { random } = world
  const { event } = liked
  const address = addressOf(event)
  return {
    kind: 7,
    content: random.chance(0.65) ? '+' : random.chance(0.05) ? '-' : emoji(random),
    tags: [
      ['e', event.id, world.hint(), event.pubkey],
      ...(address === null ? [] : [['a', address, world.hint(), event.pubkey]]),
      ['p', event.pubkey, world.hint()],
      ['k', String(event.kind)],
    ],
  }
}

/** A repost (NIP-18) carries the reposted event whole, signature included. */
export const repost: Maker = (world) => {
  const shared = target(world)
  if (shared === null) return null
  const { event, secretKey } = shared
  const address = addressOf(event)
  const isNote = event.kind === 1
  return {
    kind: isNote ? 6 : 16,
    content: eventJson({ ...event, sig: signatureOf(event, secretKey) }),
    tags: [
      ['e', event.id, 'wss://relay.example.com'],
      ['p', event.pubkey],
      ...(isNote ? [] : [['k', String(event.kind)]]),
      ...(address === null ? [] : [['a', address]]),
    ],
  }
}

const AMOUNTS_SATS = [21, 21, 42, 100, 100, 210, 500, 1_000, 2_100, 5_000, 21_000, 100_000] as const

/** A zap receipt (NIP-57): signed by the service, with the sender's signed request and its invoice inside. */
export const zap: Maker = (world, sender) => {
  const zapped = target(world)
  if (zapped === null) return null
  const { random } = world
  const { event } = zapped
  const amountSats = random.pick(AMOUNTS_SATS)
  const address = addressOf(event)
  const subject = [['p', event.pubkey], ['e', event.id], ...(address === null ? [] : [['a', address]])]
  const description = zapRequest(world, sender, amountSats, subject)
  const preimage = random.bytes(32)
  const invoice = bolt11(random, {
    amountSats,
    timestampS: world.nowS,
    paymentHash: hash('sha256', preimage, 'buffer'),
    descriptionHash: hash('sha256', description, 'buffer'),
  })
  return {
    kind: 9_735,
    content: '',
    tags: [
      ...subject,
      ['P', sender.pubkey],
      ['k', String(event.kind)],
      ['bolt11', invoice],
      ['description', description],
      ['preimage', preimage.toString('hex')],
    ],
    signer: random.pick(world.zappers),
  }
}

function zapRequest(world: World, sender: Author, amountSats: number, subject: string[][]): string {
  const template = {
    kind: 9_734,
    content: world.random.chance(0.3) ? sentence(world.random, 1, 6) : '',
    tags: [
      ['relays', 'wss://relay.example.com', 'wss://nos.example.net'],
      ['amount', String(amountSats * 1000)],
      ...subject,
    ],
  }
  const { event, secretKey } = draftOf(template, sender, world.nowS)
  return eventJson({ ...event, sig: signatureOf(event, secretKey) })
}

/** A report (NIP-56). */
export const report: Maker = (world) => {
  const reported = world.recent(world.notes)
  if (reported === null) return null
  const reason = world.random.pick(['spam', 'impersonation', 'illegal', 'other'])
  return {
    kind: 1_984,
    content: '',
    tags: [
      ['e', reported.event.id, reason],
      ['p', reported.event.pubkey, reason],
    ],
  }
}

/** A label (NIP-32). */
export const label: Maker = (world) => {
  const labelled = world.recent(world.notes)
  if (labelled === null) return null
  const value = world.random.pick(['en', 'de', 'es', 'ja'])
  return {
    kind: 1_985,
    content: '',
    tags: [
      ['L', 'ISO-639-1'],
      ['l', value, 'ISO-639-1'],
      ['e', labelled.event.id],
    ],
  }
}

/** A deletion request (NIP-09) for one or two of the author's own posts. */
export const deletion: Maker = (world, author) => {
  const posts = world.random.sample(author.posts, world.random.int(1, 2))
  if (posts.length === 0) return null
  const kinds = [...new Set(posts.map((post) => String(post.kind)))]
  return {
    kind: 5,
    content: '',
    tags: [...posts.map((post) => ['e', post.id]), ...kinds.map((kind) => ['k', kind])],
  }
}
