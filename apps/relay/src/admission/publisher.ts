import { encodeEnvelope } from '@millrace/codec'
import type { LogProducer, Placement } from '@millrace/kafka'
import { type Clock, err, ok, type Result, transient } from '@millrace/kernel'
import { eventJson, isErasureRequest, kindClass, type NostrEvent } from '@millrace/nostr'
import type { Overlay, OverlayRecord } from '@millrace/read-models'
import { partitionOfOwner, TOPICS } from '@millrace/topics'
import { type KnownTargets, type LiveRequests, NO_TARGETS } from '../live/live-requests.ts'

export interface PublisherParts {
  readonly producer: LogProducer
  readonly overlay: Pick<Overlay, 'reserve'>
  readonly clock: Clock
  readonly edgeId: string
  /** N of DESIGN 2.3. */
  readonly partitionCount: number
  /** Puts a request for erasure in force, before its OK. */
  readonly requests: Pick<LiveRequests, 'take'>
  /** Called with every append of a stored event, before its OK. */
  readonly onAcked: (partition: number, nextOffset: number) => void
  /** Called with every stored event once it can be read; must not throw. */
  readonly onReadable: (record: OverlayRecord) => void
}

/**
 * Appends an admitted event to the log and, once Kafka acknowledged it, puts it into the overlay: whoever gets OK sees the event in
 * every later REQ of this edge. Ephemeral events go to their own topic and are kept nowhere.
 */
export class Publisher {
  readonly #parts: PublisherParts

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /**
   * @param owner the pubkey that decides the partition
   * @param headers trace context of the record
   * @param targets what is known of the events that a kind 5 names
   * Faults (all transient): overlay-full, and those of LogProducer.append.
   */
  publish(
    event: NostrEvent,
    owner: string,
    headers: Readonly<Record<string, string>>,
    targets: KnownTargets = NO_TARGETS,
  ): Promise<Result<void>> {
    return kindClass(event.kind) === 'ephemeral'
      ? this.#publishEphemeral(event, owner, headers)
      : this.#publishStored(event, owner, headers, targets)
  }

  async #publishEphemeral(
    event: NostrEvent,
    owner: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Result<void>> {
    const placed = await this.#append(TOPICS.ephemeral, event, owner, headers)
    return placed.ok ? ok(undefined) : placed
  }

  async #publishStored(
    event: NostrEvent,
    owner: string,
    headers: Readonly<Record<string, string>>,
    targets: KnownTargets,
  ): Promise<Result<void>> {
    const json = eventJson(event)
    const room = this.#parts.overlay.reserve(event, json)
    if (room === null)
      return err(transient('overlay-full', 'too many events wait to be stored, try again later'))
    const placed = await this.#append(TOPICS.events, event, owner, headers)
    if (!placed.ok) {
      room.cancel()
      return placed
    }
    const { partition, offset } = placed.value
    const record = { event, json, partition, offset }
    room.add(record)
    if (isErasureRequest(event.kind)) this.#parts.requests.take(event, partition, offset, targets)
    this.#parts.onAcked(partition, offset + 1)
    this.#parts.onReadable(record)
    return ok(undefined)
  }

  #append(
    topic: string,
    event: NostrEvent,
    owner: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Result<Placement>> {
    const { producer, clock, edgeId, partitionCount } = this.#parts
    return producer.append({
      topic,
      partition: partitionOfOwner(owner, partitionCount),
      key: event.id,
      value: encodeEnvelope({
        event,
        receipt: { receivedAtMs: clock.nowMs(), source: 'client', edge: edgeId },
      }),
      headers,
    })
  }
}
