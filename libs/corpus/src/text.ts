import type { Random } from './random.ts'

/** Hashtags by how often they are used, most used first. */
export const HASHTAGS = [
  'nostr',
  'bitcoin',
  'grownostr',
  'zap',
  'photography',
  'music',
  'coffee',
  'news',
  'art',
  'introductions',
  'foodstr',
  'plebchain',
  'lightning',
  'privacy',
  'linux',
  'opensource',
  'gardening',
  'memes',
  'asknostr',
  'travel',
  'books',
  'cycling',
  'catstr',
  'dogstr',
  'running',
  'chess',
  'selfhosting',
  'astronomy',
  'bread',
  'ネコ',
  'müsik',
  'новости',
] as const

const SENTENCES = {
  en: 'the relay keeps what we wrote and nobody can take it away from us today because every note is signed and every client can ask another relay when one of them is slow or gone for good morning coffee in hand reading threads about open protocols again some of you build things others break them both are useful sometimes it rains all week and the code finally compiles',
  de: 'heute morgen war der himmel über dem see ganz klar und die züge fuhren pünktlich was für ein schöner anfang wir müssen öfter über größe und einfachheit reden denn beides passt selten zusammen',
  es: 'mañana salimos temprano hacia la montaña y llevamos pan queso y un poco de vino la red sigue funcionando aunque nadie la dirija qué bonito es ver crecer algo así sin permiso',
  ja: '今日 は とても いい 天気 です ね コーヒー を 飲み ながら 新しい クライアント を 試して います リレー が 速い と 嬉しい',
  ar: 'صباح الخير يا أصدقاء اليوم نقرأ عن الشبكات المفتوحة ونكتب قليلا ثم نذهب إلى البحر',
} as const

const WORDS = Object.values(SENTENCES).map((text) => text.split(' '))
const EMOJI = ['🤙', '🔥', '⚡', '😂', '❤️', '🫂', '👀', '🚀', '☕', '🌱', '👨‍👩‍👧', '🇯🇵'] as const
const ENDINGS = ['.', '.', '.', '!', '?', ' …'] as const

/** Names as people give themselves, with the odd non-ASCII one. */
export const NAMES = [
  'ada',
  'bernard',
  'chika',
  'dóra',
  'emre',
  'fiona',
  'gustavo',
  'hana',
  'ilse',
  'jonas',
  'kwame',
  'léa',
  'mirek',
  'nadia',
  'oskar',
  'priya',
  'quentin',
  'rosa',
  'søren',
  'tomás',
  'uma',
  'vera',
  'wei',
  'ximena',
  'yusuf',
  'zoë',
  '光',
  'мария',
] as const

/** A sentence in one language; most are English, as on the network. */
export function sentence(random: Random, wordsMin = 3, wordsMax = 18): string {
  const language = WORDS[random.chance(0.8) ? 0 : random.int(1, WORDS.length - 1)] as readonly string[]
  const words = Array.from({ length: random.int(wordsMin, wordsMax) }, () => random.pick(language))
  const first = words[0] as string
  words[0] = first.charAt(0).toUpperCase() + first.slice(1)
  return words.join(' ') + random.pick(ENDINGS)
}

/** The text of a note: one to a few sentences, sometimes with emoji, line breaks or a link. */
export function noteText(random: Random): string {
  const parts = Array.from({ length: 1 + random.skewedIndex(6) }, () => sentence(random))
  if (random.chance(0.25)) parts.push(random.pick(EMOJI))
  if (random.chance(0.08)) parts.push(imageUrl(random))
  return parts.join(random.chance(0.2) ? '\n\n' : ' ')
}

/** A few kilobytes of Markdown. */
export function articleText(random: Random): string {
  const sections = Array.from({ length: random.int(3, 9) }, () => {
    const paragraphs = Array.from({ length: random.int(1, 4) }, () =>
      Array.from({ length: random.int(3, 8) }, () => sentence(random)).join(' '),
    )
    return `## ${sentence(random, 2, 6)}\n\n${paragraphs.join('\n\n')}`
  })
  return sections.join('\n\n')
}

export const emoji = (random: Random): string => random.pick(EMOJI)

export const hashtags = (random: Random, countMax: number): string[] => {
  const count = random.skewedIndex(countMax + 1)
  return [
    ...new Set(Array.from({ length: count }, () => HASHTAGS[random.skewedIndex(HASHTAGS.length)] as string)),
  ]
}

export const imageUrl = (random: Random): string => `https://img.example.com/${random.hex(16)}.jpg`

/** What NIP-44 payloads look like from outside: version 2, nonce, ciphertext, MAC, in base64. */
export const sealedText = (random: Random): string => {
  const payload = random.bytes(1 + 32 + 32 * random.int(2, 24) + 32)
  payload[0] = 2
  return payload.toString('base64')
}
