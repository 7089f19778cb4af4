import { naiveAddress, naiveClass, type SignedEvent } from '@millrace/testkit'
import { HEADER_BYTES_MAX, writeHeader } from '../client/text-frame.ts'
import { type Corpus, INDEXED_TAGS, type IndexedTag } from './corpus.ts'
import { idKey } from './id-key.ts'

const MESSAGE_HEAD = Buffer.from('["EVENT",')
const MESSAGE_TAIL = ']'.charCodeAt(0)
const ID_NAME = Buffer.from('"id":"')
const ID_DIGITS = 64
const DELETION_KINDS = new Set([5, 62])
const PRIVATE_KINDS = new Set([4, 13, 14, 15, 1059])

type Postings = Map<string, number[]>

/** Takes events in order and makes a corpus of them. `bytesMax` bounds all JSON together. */
export class CorpusBuilder {
  readonly #baseCount: number
  readonly #frames: Buffer
  readonly #starts: number[] = [0]
  readonly #keys: number[] = []
  readonly #createdAt: number[] = []
  readonly #kinds: number[] = []
  readonly #superseded = new Set<number>()
  readonly #newest = new Map<string, number>()
  readonly #indexByKey = new Map<number, number>()
  readonly #byAuthor: Postings = new Map()
  readonly #byTag: Record<IndexedTag, Postings> = { e: new Map(), p: new Map(), t: new Map() }

  /** `events`: an upper bound of their number, for the room that frames take beside the JSON. */
  constructor({ baseCount, bytesMax, events }: { baseCount: number; bytesMax: number; events: number }) {
    this.#baseCount = baseCount
    this.#frames = Buffer.allocUnsafeSlow(bytesMax + events * (HEADER_BYTES_MAX + MESSAGE_HEAD.length + 1))
  }

  get count(): number {
    return this.#keys.length
  }

  /**
   * Adds the next event with its JSON. Leaves out what relays do not keep or what takes other events away (ephemeral kinds,
   * deletions) and, in the pool, kinds with versions, of which an older one could overtake a newer, and private ones, which
   * are not delivered to everybody. Throws when the order or an id is wrong for a corpus.
   */
  add(event: SignedEvent, json: Uint8Array): void {
    const kind = naiveClass(event.kind)
    if (kind === 'ephemeral' || DELETION_KINDS.has(event.kind)) return
    const isPlain = kind === 'regular' && !PRIVATE_KINDS.has(event.kind)
    if (!isPlain && this.count >= this.#baseCount) return
    const index = this.count
    const before = this.#createdAt[index - 1] ?? 0
    if (event.created_at < before) throw new Error('the events of a corpus come in order of created_at')
    const key = idKey(event.id)
    if (Number.isNaN(key)) throw new Error(`no event id: ${event.id}`)
    if (this.#indexByKey.has(key)) throw new Error(`two events of the corpus begin alike: ${event.id}`)
    this.#indexByKey.set(key, index)
    this.#keys.push(key)
    this.#createdAt.push(event.created_at)
    this.#kinds.push(event.kind)
    this.#post(event, index)
    if (kind !== 'regular') this.#supersede(event, index)
    this.#frame(json)
  }

  build(): Corpus {
    const [count, starts, frames, indexByKey] = [this.count, this.#starts, this.#frames, this.#indexByKey]
    const isSuperseded = new Uint8Array(count)
    for (const index of this.#superseded) isSuperseded[index] = 1
    const startOf = (index: number) => starts[index] ?? starts[count] ?? 0
    return {
      count,
      baseCount: Math.min(count, this.#baseCount),
      keys: Float64Array.from(this.#keys),
      createdAt: Float64Array.from(this.#createdAt),
      kinds: Uint16Array.from(this.#kinds),
      isSuperseded,
      isPrivate: Uint8Array.from(this.#kinds, (kind) => (PRIVATE_KINDS.has(kind) ? 1 : 0)),
      byAuthor: this.#byAuthor,
      byTag: this.#byTag,
      indexOf: (key) => indexByKey.get(key),
      idOf: (index) => {
        const at = frames.indexOf(ID_NAME, startOf(index)) + ID_NAME.length
        return frames.toString('latin1', at, at + ID_DIGITS)
      },
      frames: (from, to) => frames.subarray(startOf(from), startOf(to)),
    }
  }

  #post(event: SignedEvent, index: number): void {
    post(this.#byAuthor, event.pubkey, index)
    for (const [name, value] of event.tags) {
      if (value === undefined || !INDEXED_TAGS.includes(name as IndexedTag)) continue
      post(this.#byTag[name as IndexedTag], value, index)
    }
  }

  #supersede(event: SignedEvent, index: number): void {
    const address = naiveAddress(event)
    const newest = this.#newest.get(address)
    this.#newest.set(address, index)
    if (newest === undefined) return
    // NIP-01: in the same second the lowest id rules.
    const isTie = this.#createdAt[newest] === event.created_at
    const isOlderLower = isTie && (this.#keys[newest] as number) < (this.#keys[index] as number)
    this.#superseded.add(isOlderLower ? index : newest)
    if (isOlderLower) this.#newest.set(address, newest)
  }

  #frame(json: Uint8Array): void {
    const start = this.#starts.at(-1) as number
    const payloadBytes = MESSAGE_HEAD.length + json.length + 1
    let at = start + writeHeader(this.#frames, start, payloadBytes)
    MESSAGE_HEAD.copy(this.#frames, at)
    at += MESSAGE_HEAD.length
    this.#frames.set(json, at)
    at += json.length
    this.#frames[at] = MESSAGE_TAIL
    this.#starts.push(at + 1)
  }
}

/** An event that names the same thing twice is listed once. */
function post(postings: Postings, value: string, index: number): void {
  const list = postings.get(value)
  if (list === undefined) postings.set(value, [index])
  else if (list.at(-1) !== index) list.push(index)
}
