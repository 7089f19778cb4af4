import type { Draft, Template } from '../draft.ts'
import { articleText, hashtags, noteText, sentence } from '../text.ts'
import type { Maker } from '../world.ts'

/** Most people a note mentions or carries on from the thread. */
const PEOPLE_MAX = 12

export const note: Maker = (world, author) => {
  const { random } = world
  const topics = hashtags(random, 5)
  const mentioned = random.chance(0.1) ? [world.somebody().pubkey] : []
  const text = [noteText(random), ...topics.map((topic) => `#${topic}`)].join(' ')
  const quoted = random.chance(0.04) ? world.recent(world.notes) : null
  return {
    kind: 1,
    content: text,
    tags: [
      ...topics.map((topic) => ['t', topic.toLowerCase()]),
      ...mentioned.filter((pubkey) => pubkey !== author.pubkey).map((pubkey) => ['p', pubkey]),
      ...(quoted === null
        ? []
        : [
            ['q', quoted.event.id, world.hint(), quoted.event.pubkey],
            ['p', quoted.event.pubkey],
          ]),
    ],
  }
}

/** An answer to a note, or to an answer, with the marked e tags of NIP-10. */
export const reply: Maker = (world) => {
  const parent = world.recent(world.notes)
  if (parent === null) return null
  const { event } = parent
  const root = event.tags.find((tag) => tag[0] === 'e' && tag[3] === 'root')
  const people = new Set([
    event.pubkey,
    ...event.tags.filter((tag) => tag[0] === 'p').map((tag) => tag[1] as string),
  ])
  return {
    kind: 1,
    content: noteText(world.random),
    tags: [
      root === undefined ? ['e', event.id, world.hint(), 'root', event.pubkey] : [...root],
      ...(root === undefined ? [] : [['e', event.id, world.hint(), 'reply', event.pubkey]]),
      ...[...people].slice(0, PEOPLE_MAX).map((pubkey) => ['p', pubkey]),
    ],
  }
}

/** A comment on an article, video or file (NIP-22). */
export const comment: Maker = (world) => {
  const parent = world.recent(world.publications)
  if (parent === null) return null
  const { event } = parent
  const place = placeOf(parent)
  const kind = String(event.kind)
  return {
    kind: 1_111,
    content: noteText(world.random),
    tags: [
      [
        place.letter.toUpperCase(),
        place.value,
        world.hint(),
        ...(place.letter === 'e' ? [event.pubkey] : []),
      ],
      ['K', kind],
      ['P', event.pubkey],
      [place.letter, place.value, world.hint(), ...(place.letter === 'e' ? [event.pubkey] : [])],
      ['k', kind],
      ['p', event.pubkey],
    ],
  }
}

/** By its address where it has one, else by its id. */
function placeOf({ event }: Draft): { readonly letter: 'a' | 'e'; readonly value: string } {
  const d = event.tags.find((tag) => tag[0] === 'd')?.[1]
  if (event.kind < 30_000 || d === undefined) return { letter: 'e', value: event.id }
  return { letter: 'a', value: `${event.kind}:${event.pubkey}:${d}` }
}

export const article: Maker = (world, author) => {
  const { random } = world
  const { d } = world.slug(author, 30_023)
  const topics = hashtags(random, 4)
  return {
    kind: 30_023,
    content: articleText(random),
    tags: [
      ['d', d],
      ['title', sentence(random, 2, 8)],
      ['summary', sentence(random)],
      ['published_at', String(world.nowS)],
      ...topics.map((topic) => ['t', topic.toLowerCase()]),
    ],
  }
}

/** A passage worth keeping from an article (NIP-84). */
export const highlight: Maker = (world): Template | null => {
  const source = world.recent(world.publications)
  if (source === null) return null
  const { letter, value } = placeOf(source)
  return {
    kind: 9_802,
    content: sentence(world.random),
    tags: [
      [letter, value],
      ['p', source.event.pubkey],
    ],
  }
}

export const channelMessage: Maker = (world) => {
  const channel = world.recent(world.notes)
  if (channel === null) return null
  return { kind: 42, content: sentence(world.random), tags: [['e', channel.event.id, world.hint(), 'root']] }
}
