import type { Envelope } from '@millrace/nostr'
import { type Sink, type Topology, topology } from '@millrace/pipeline'
import { TOPICS } from '@millrace/topics'
import { GROUP } from './config.ts'
import { decodeEvent } from './steps/decode-event.step.ts'
import { decodeLetter, type Letter } from './steps/decode-letter.step.ts'
import { dropEphemeral } from './steps/drop-ephemeral.step.ts'

/** The log into the deletion state: every event, whoever wrote it. */
export const eventsTopology = (sink: Sink<Envelope>): Topology<Envelope> =>
  topology(GROUP).from(TOPICS.events).step(decodeEvent).step(dropEphemeral).into(sink)

/** Events that were refused lie in the dead letters: they are erased like the others. */
export const lettersTopology = (sink: Sink<Letter>): Topology<Letter> =>
  topology(`${GROUP}.letters`).from(TOPICS.deadLetters).step(decodeLetter).into(sink)
