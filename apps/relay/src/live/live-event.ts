import { eventMessage, type NostrEvent } from '@millrace/nostr'

/** An event on its way to subscriptions: its frame is built and encoded once per subscription id, not once per socket. */
export class LiveEvent {
  readonly event: NostrEvent
  readonly #json: string
  readonly #frames = new Map<string, Buffer>()

  constructor(event: NostrEvent, json: string) {
    this.event = event
    this.#json = json
  }

  /** The text of `["EVENT",<subscription id>,<event>]` in UTF-8. */
  frame(subscriptionId: string): Buffer {
    const known = this.#frames.get(subscriptionId)
    if (known !== undefined) return known
    const frame = Buffer.from(eventMessage(subscriptionId, this.#json))
    this.#frames.set(subscriptionId, frame)
    return frame
  }
}
