import { type Draft, draftOf } from './draft.ts'
import { note } from './makers/notes.ts'
import { ARRIVAL, nextMaker } from './mix.ts'
import { type CorpusOptions, completeOptions } from './options.ts'
import { Random } from './random.ts'
import { type Author, type Maker, World } from './world.ts'

/** The events of a corpus in order of created_at, ids final, not yet signed. Pure: only the options decide. */
export function* planCorpus(options: CorpusOptions): Generator<Draft> {
  const corpus = completeOptions(options)
  const random = new Random(`millrace corpus ${corpus.seed}`)
  const world = new World(corpus, random)
  const arrivals: { readonly author: Author; readonly maker: Maker }[] = []
  const seconds = corpus.toS - corpus.fromS
  for (let made = 0; made < corpus.count; made++) {
    // Even steps with a whole-second floor: later events never come earlier, and small corpora have ties.
    world.nowS = corpus.fromS + Math.floor((made / corpus.count) * seconds)
    const arrival = arrivals.shift()
    const draft = arrival
      ? make(world, arrival.author, arrival.maker)
      : next(world, corpus.deletionShare, arrivals)
    yield draft
  }
}

function next(
  world: World,
  deletionShare: number,
  arrivals: { readonly author: Author; readonly maker: Maker }[],
): Draft {
  const { author, isNew } = world.nextAuthor()
  if (!isNew) return make(world, author, nextMaker(world.random, deletionShare))
  const [first, ...others] = ARRIVAL
  for (const maker of others) arrivals.push({ author, maker })
  return make(world, author, first as Maker)
}

/** A note instead where there is nothing to respond to yet. */
function make(world: World, author: Author, maker: Maker): Draft {
  const template = maker(world, author) ?? note(world, author)
  if (template === null) throw new Error('a note needs nothing')
  const draft = draftOf(template, author, world.nowS)
  world.remember(draft, author)
  return draft
}
