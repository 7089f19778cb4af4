import type { Random } from '../random.ts'
import { hashtags, imageUrl, noteText, sentence } from '../text.ts'
import type { Author, Maker, World } from '../world.ts'

const SIZES = { normal: ['1920x1080', '1280x720', '640x360'], short: ['1080x1920', '720x1280'] } as const

/** One variant of a video as an `imeta` tag (NIP-92, NIP-71). */
function videoVariant(random: Random, size: string, durationS: string): string[] {
  const hash = random.hex(32)
  const name = hash.slice(0, 16)
  return [
    'imeta',
    `dim ${size}`,
    `url https://video.example.com/${name}.mp4`,
    `x ${hash}`,
    'm video/mp4',
    `image https://video.example.com/${name}.jpg`,
    `fallback https://mirror.example.net/${name}.mp4`,
    `bitrate ${random.int(400, 6_000) * 1000}`,
    `duration ${durationS}`,
  ]
}

function videoTags(world: World, form: 'normal' | 'short'): string[][] {
  const { random } = world
  const seconds = form === 'short' ? random.int(4, 60) : random.int(60, 5_400)
  const durationS = `${seconds}.${random.int(1, 999)}`
  const title = sentence(random, 2, 8)
  return [
    ['title', title],
    ['published_at', String(world.nowS)],
    ['alt', title],
    ...SIZES[form].map((size) => videoVariant(random, size, durationS)),
    ...hashtags(random, 4).map((topic) => ['t', topic.toLowerCase()]),
    ...(random.chance(0.2) ? [['p', world.somebody().pubkey]] : []),
    ...(random.chance(0.05) ? [['content-warning', 'flashing lights']] : []),
  ]
}

/** A video (NIP-71): kind 21, or 22 for a short one. */
export const video =
  (form: 'normal' | 'short'): Maker =>
  (world) => ({
    kind: form === 'short' ? 22 : 21,
    content: noteText(world.random),
    tags: videoTags(world, form),
  })

/** An addressable video (NIP-71): kind 34235, or 34236 for a short one; now and then a new version of an earlier one. */
export const addressableVideo =
  (form: 'normal' | 'short'): Maker =>
  (world: World, author: Author) => {
    const kind = form === 'short' ? 34_236 : 34_235
    const { d } = world.slug(author, kind)
    return { kind, content: noteText(world.random), tags: [['d', d], ...videoTags(world, form)] }
  }

/** A picture post (NIP-68). */
export const picture: Maker = ({ random }) => ({
  kind: 20,
  content: noteText(random),
  tags: [
    ['title', sentence(random, 1, 5)],
    ...Array.from({ length: random.int(1, 4) }, () => [
      'imeta',
      `url ${imageUrl(random)}`,
      'm image/jpeg',
      `dim ${random.int(600, 4_000)}x${random.int(600, 4_000)}`,
      `x ${random.hex(32)}`,
    ]),
    ...hashtags(random, 4).map((topic) => ['t', topic.toLowerCase()]),
  ],
})

/** File metadata (NIP-94). */
export const file: Maker = ({ random }) => {
  const hash = random.hex(32)
  return {
    kind: 1_063,
    content: sentence(random),
    tags: [
      ['url', `https://files.example.com/${hash}.bin`],
      ['m', 'application/octet-stream'],
      ['x', hash],
      ['ox', hash],
      ['size', String(random.int(100, 50_000_000))],
    ],
  }
}
