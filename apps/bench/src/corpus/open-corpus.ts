import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Steps } from '../steps.ts'
import type { Corpus } from './corpus.ts'
import { CORPUS_FOLDER, corpusPath, ensureCorpusFile, loadCorpus } from './corpus-file.ts'

export interface CorpusChoice {
  readonly seed: string
  readonly baseEvents: number
  /** A file to be read instead of generating one. */
  readonly file: string | undefined
  /** Pool of a generated one; as large as needed when undefined. */
  readonly poolEvents: number | undefined
}

/** Finds, or signs, and loads a corpus with enough events to publish; throws when a given one has too few. */
export async function openCorpus(
  choice: CorpusChoice,
  neededEvents: number,
  steps: Steps,
): Promise<{ readonly path: string; readonly corpus: Corpus }> {
  const path = choice.file ?? (await generated(choice, neededEvents, steps))
  if (!existsSync(path)) throw new Error(`no file ${path}`)
  const corpus = await steps.step(`reading ${path}`, (progress) =>
    loadCorpus(path, choice.baseEvents, progress),
  )
  const pool = corpus.count - corpus.baseCount
  if (pool < neededEvents)
    throw new Error(`the corpus has ${pool} events to publish, the modes need ${neededEvents}`)
  return { path, corpus }
}

async function generated(choice: CorpusChoice, neededEvents: number, steps: Steps): Promise<string> {
  const { seed, baseEvents } = choice
  const known = choice.poolEvents === undefined ? largeEnough(seed, baseEvents, neededEvents) : null
  if (known !== null) return known
  const spec = { seed, baseEvents, poolEvents: choice.poolEvents ?? roundedUp(neededEvents) }
  if (existsSync(corpusPath(spec))) return corpusPath(spec)
  const [base, pool] = [baseEvents, spec.poolEvents].map((count) => count.toLocaleString('en-US'))
  return steps.step(`signing a corpus of ${base} + ${pool} events`, (progress) =>
    ensureCorpusFile(spec, progress),
  )
}

/** To one digit: runs that differ a little share a file. */
function roundedUp(count: number): number {
  const unit = 10 ** Math.max(3, Math.floor(Math.log10(Math.max(1, count))))
  return Math.max(1, Math.ceil(count / unit)) * unit
}

/** The smallest corpus kept from an earlier run that has enough to publish. */
function largeEnough(seed: string, baseEvents: number, neededEvents: number): string | null {
  if (!existsSync(CORPUS_FOLDER)) return null
  const head = `${encodeURIComponent(seed)}-${baseEvents}+`
  const pools = readdirSync(CORPUS_FOLDER)
    .filter((name) => name.startsWith(head) && name.endsWith('.jsonl'))
    .map((name) => Number(name.slice(head.length, -'.jsonl'.length)))
    .filter((pool) => pool >= neededEvents)
    .sort((a, b) => a - b)
  return pools[0] === undefined ? null : join(CORPUS_FOLDER, `${head}${pools[0]}.jsonl`)
}
