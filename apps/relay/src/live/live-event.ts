import { eventMessage, type NostrEvent } from '@millrace/nostr'
import { textFrame } from '../frames/frame-head.ts'

/** An event on its way to subscriptions: its frame is built and encoded once per subscription id, not once per socket. */
export class LiveEvent {
  readonly event: NostrEvent
  readonly #json: string
  readonly #frames = new Map<string, Buffer>()

  constructor(event: NostrEvent, json: string) {
    this.event = event
    this.#json = json
  }

  /** `["EVENT",<subscription id>,<event>]` as it goes over the wire. */
  frame(subscriptionId: string): Buffer {
    const known = this.#frames.get(subscriptionId)
    if (known !== undefined) return known
    const frame = textFrame(eventMessage(subscriptionId, this.#json))
    this.#frames.set(subscriptionId, frame)
    return frame
  }
}
