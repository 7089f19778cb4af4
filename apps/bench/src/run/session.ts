import type { Corpus } from '../corpus/corpus.ts'
import { ensurePresent } from '../load/ensure-present.ts'
import type { Range } from '../load/publish-range.ts'
import { settle } from '../meter/settle.ts'
import { type Mode, pidsOf, type Row, type Sizes } from '../modes/mode.ts'
import { Oracle, type Privacy } from '../oracle/oracle.ts'
import type { Steps } from '../steps.ts'
import type { Target } from '../target/target.ts'
import { firstMissing, holdsBase, load, privacyOf } from './prepare.ts'

/** The relays of a bench, all holding the same events at every moment between two runs. */
export class Session {
  readonly targets: readonly Target[]
  readonly corpus: Corpus
  readonly sizes: Sizes
  readonly #steps: Steps
  readonly #oracles = new Map<Target, Oracle>()
  /** Events before this index are in every relay. */
  #cursor = 0

  constructor(targets: readonly Target[], corpus: Corpus, sizes: Sizes, steps: Steps) {
    this.targets = targets
    this.corpus = corpus
    this.sizes = sizes
    this.#steps = steps
  }

  /** Events in the relays. */
  get loaded(): number {
    return this.#cursor
  }

  /** Brings every relay to the same state: the base, and as much of the pool as one of them holds from an earlier run. */
  async prepare(): Promise<void> {
    this.#cursor = this.corpus.baseCount
    const real = this.targets.filter(({ isHollow }) => isHollow !== true)
    for (const { url } of real)
      if (await holdsBase(url, this.corpus))
        this.#cursor = Math.max(this.#cursor, await firstMissing(url, this.corpus))
    const label = `loading ${this.#cursor.toLocaleString('en-US')} events`
    for (const target of this.targets)
      await this.#steps.step(`${label}: ${target.name}`, (progress) => this.#fill(target, progress))
  }

  async #fill(target: Target, onProgress: (done: number, total: number) => void): Promise<void> {
    const { url, isHollow } = target
    if (isHollow === true) await ensurePresent(url, this.corpus, { from: 0, to: this.#cursor })
    else await load(url, this.corpus, this.#cursor, onProgress)
    const privacy = isHollow === true ? 'hidden' : await privacyOf(url, this.corpus)
    this.#oracles.set(target, new Oracle(this.corpus, privacy))
  }

  /** What the relay does with private kinds. */
  privacyOf(target: Target): Privacy {
    return this.#oracles.get(target)?.privacy ?? 'hidden'
  }

  /** The next events of the pool for a mode; throws when they do not suffice. */
  take(mode: Mode): Range {
    const from = this.#cursor
    const to = from + mode.poolEvents(this.sizes)
    if (to > this.corpus.count)
      throw new Error('the pool of the corpus is used up: start with an empty relay, or enlarge --pool')
    this.#cursor = to
    return { from, to }
  }

  /** Measures a mode once on one relay, after everything has come to rest. */
  async measure(target: Target, mode: Mode, range: Range, run: number): Promise<readonly Row[]> {
    const oracle = this.#oracles.get(target)
    if (oracle === undefined) throw new Error('the session is not prepared')
    const label = `${mode.name}, run ${run + 1}: ${target.name}`
    return this.#steps.step(label, async () => {
      await settle((await Promise.all(this.targets.map(pidsOf))).flat())
      const seed = run * 1_000 + 7
      const { corpus, sizes } = this
      return mode.measure({ target, corpus, oracle, range, sizes, seed })
    })
  }
}
