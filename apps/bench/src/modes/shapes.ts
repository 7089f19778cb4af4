import type { Shape } from './filter-source.ts'

const KINDS_SINCE = [[1], [1, 6], [1, 7], [1, 1111], [7]] as const

/** What clients ask for all the time, by the name in `--modes`. */
export const SHAPES: Readonly<Record<string, { readonly what: string; readonly shape: Shape }>> = {
  authors: {
    what: '10 authors, notes, limit 50',
    shape: (draw) => [{ authors: draw.authors(10), kinds: [1], limit: 50 }],
  },
  author: {
    what: 'one author, latest 50',
    shape: (draw) => [{ authors: [draw.author()], limit: 50 }],
  },
  ids: {
    what: '20 ids',
    shape: (draw) => [{ ids: [...new Set(Array.from({ length: 20 }, () => draw.id()))] }],
  },
  e: {
    what: '#e of 10 notes, limit 100',
    shape: (draw) => [{ '#e': [...new Set(Array.from({ length: 10 }, () => draw.thread()))], limit: 100 }],
  },
  since: {
    what: 'kinds and since, limit 500',
    shape: (draw) => [{ kinds: draw.oneOf(KINDS_SINCE), since: draw.moment(), limit: 500 }],
  },
  t: {
    what: '#t, limit 100',
    shape: (draw) => [{ '#t': [draw.topic()], limit: 100 }],
  },
  feed: {
    what: 'feed of 300 authors, 4 filters',
    shape: (draw) => {
      const [me = '', ...followed] = draw.authors(301)
      return [
        { authors: followed, kinds: [1, 6], limit: 100 },
        { authors: followed, kinds: [20, 30023], limit: 20 },
        { '#p': [me], kinds: [1, 7, 9735], limit: 50 },
        { authors: followed.slice(0, 50), kinds: [0] },
      ]
    },
  },
}
