import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { generateCorpus } from '@millrace/corpus'
import { eventJson } from '@millrace/nostr'
import type { SignedEvent } from '@millrace/testkit'
import type { Corpus } from './corpus.ts'
import { CorpusBuilder } from './corpus-builder.ts'

export interface CorpusSpec {
  readonly seed: string
  /** Events that are in a relay before anything is measured. */
  readonly baseEvents: number
  /** Events that wait to be published while the clock runs. */
  readonly poolEvents: number
}

/** Events signed for one of the pool: kinds with versions and private ones stay out of it. */
const SIGNED_PER_POOL_EVENT = 1.22
const EVENTS_PER_AUTHOR = 40
const READ_BYTES = 1024 * 1024
const NEWLINE = 10
/** Shorter than any signed event is as JSON. */
const EVENT_BYTES_MIN = 300

/** Where corpora are kept from one run to the next: signing a million events takes minutes. */
export const CORPUS_FOLDER = join(tmpdir(), 'millrace-bench')

export const corpusPath = ({ seed, baseEvents, poolEvents }: CorpusSpec, folder = CORPUS_FOLDER): string =>
  join(folder, `${encodeURIComponent(seed)}-${baseEvents}+${poolEvents}.jsonl`)

/** Signs the corpus into its file (JSON lines, in order of created_at) unless it is there; answers the path. */
export async function ensureCorpusFile(
  spec: CorpusSpec,
  onProgress: (signed: number, total: number) => void,
  folder = CORPUS_FOLDER,
): Promise<string> {
  const path = corpusPath(spec, folder)
  if (existsSync(path)) return path
  mkdirSync(folder, { recursive: true })
  const unfinished = `${path}.${process.pid}`
  const out = createWriteStream(unfinished)
  const count = spec.baseEvents + Math.ceil(spec.poolEvents * SIGNED_PER_POOL_EVENT) + 100
  const authorCount = Math.max(20, Math.ceil(spec.baseEvents / EVENTS_PER_AUTHOR))
  let signed = 0
  for await (const events of generateCorpus({ seed: `bench ${spec.seed}`, count, authorCount })) {
    if (!out.write(`${events.map((event) => eventJson(event)).join('\n')}\n`)) await once(out, 'drain')
    signed += events.length
    onProgress(signed, count)
  }
  out.end()
  await finished(out)
  renameSync(unfinished, path)
  return path
}

/** Loads a file of events, one JSON text a line: the first `baseEvents` as base, the others as pool. */
export async function loadCorpus(
  path: string,
  baseEvents: number,
  onProgress: (bytes: number, total: number) => void,
): Promise<Corpus> {
  const bytesMax = statSync(path).size
  const events = Math.ceil(bytesMax / EVENT_BYTES_MIN)
  const builder = new CorpusBuilder({ baseCount: baseEvents, bytesMax, events })
  let [rest, done]: [Buffer, number] = [Buffer.alloc(0), 0]
  const take = (line: Buffer) => {
    if (line.length > 0) builder.add(JSON.parse(line.toString()) as SignedEvent, line)
  }
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
      take(bytes.subarray(at, end))
      at = end + 1
    }
    rest = bytes.subarray(at)
    done += chunk.length
    onProgress(done, bytesMax)
  }
  take(rest)
  return builder.build()
}
