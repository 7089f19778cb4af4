import { noteText, sentence } from '../text.ts'
import { type Maker, RELAY_HINTS } from '../world.ts'

/** Most follows in one list; the longest ones on the network have thousands. */
const FOLLOWS_MAX = 500

export const profile: Maker = ({ random }, author) => ({
  kind: 0,
  content: JSON.stringify({
    name: author.name,
    display_name: author.name.toUpperCase(),
    about: sentence(random),
    picture: `https://img.example.com/${author.pubkey.slice(0, 16)}.png`,
    nip05: `${author.name}@example.com`,
    lud16: `${author.pubkey.slice(0, 8)}@pay.example.com`,
  }),
  tags: [],
})

export const follows: Maker = (world) => {
  const count = 1 + world.random.skewedIndex(Math.min(FOLLOWS_MAX, world.authors.length))
  const followed = new Set(Array.from({ length: count }, () => world.somebody().pubkey))
  return { kind: 3, content: '', tags: [...followed].map((pubkey) => ['p', pubkey]) }
}

export const relayList: Maker = ({ random }) => ({
  kind: 10_002,
  content: '',
  tags: random
    .sample(RELAY_HINTS.slice(0, -1), random.int(1, 3))
    .map((url) => (random.chance(0.5) ? ['r', url] : ['r', url, random.pick(['read', 'write'])])),
})

export const bookmarks: Maker = (world) => {
  const posts = world.random.sample(world.notes, world.random.int(1, 20))
  return posts.length === 0
    ? null
    : { kind: 10_003, content: '', tags: posts.map(({ event }) => ['e', event.id]) }
}

export const followSet: Maker = (world, author) => {
  const { d } = world.slug(author, 30_000)
  const members = new Set(Array.from({ length: world.random.int(1, 30) }, () => world.somebody().pubkey))
  return {
    kind: 30_000,
    content: '',
    tags: [['d', d], ['title', sentence(world.random, 1, 3)], ...[...members].map((pubkey) => ['p', pubkey])],
  }
}

export const status: Maker = ({ random, nowS }) => ({
  kind: 30_315,
  content: sentence(random, 2, 5),
  tags: [
    ['d', random.pick(['general', 'music'])],
    // Far in the future, so that the corpus is whole whenever it is used.
    ...(random.chance(0.3) ? [['expiration', String(nowS + 50 * 365 * 86_400)]] : []),
  ],
})

export const appData: Maker = (world, author) => {
  const { random } = world
  const { d } = world.slug(author, 30_078)
  return {
    kind: 30_078,
    content: JSON.stringify({ theme: random.pick(['dark', 'light']), size: random.int(8, 24) }),
    tags: [['d', `app/${d}`]],
  }
}

export const poll: Maker = (world) => ({
  kind: 1_068,
  content: noteText(world.random),
  tags: [
    ...Array.from({ length: world.random.int(2, 5) }, (_, at) => [
      'option',
      `o${at}`,
      sentence(world.random, 1, 4),
    ]),
    ['relay', 'wss://relay.example.com'],
    ['polltype', 'singlechoice'],
    ['endsAt', String(world.nowS + 7 * 86_400)],
  ],
})
