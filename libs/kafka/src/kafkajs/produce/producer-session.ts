import { partitionKey } from '../../consuming/backend.ts'
import type { TopicPartition } from '../../port.ts'
import type { Cluster } from '../internals.ts'
import type { BatchIdentity } from '../protocol/record-batch-encoder.ts'

/** Sequences are 32-bit and wrap to zero (KIP-98). */
const SEQUENCE_MODULUS = 2 ** 31
/** Required by the request; without transactions nothing ever times out by it. */
const TRANSACTION_TIMEOUT_MS = 60_000

/**
 * A producer id and the numbering of batches under it, by which the broker recognises a batch that it has already. When
 * the fate of a batch is unknown the session ends with it: reusing its numbers for other records would make the broker
 * acknowledge them as the lost batch.
 */
export class ProducerSession {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly #next = new Map<string, number>()

  constructor(producerId: bigint, producerEpoch: number) {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
  }

  static async open(cluster: Cluster): Promise<ProducerSession> {
    const broker = await cluster.findControllerBroker()
    const { producerId, producerEpoch } = await broker.initProducerId({
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
    })
    return new ProducerSession(BigInt(producerId), producerEpoch)
  }

  identity(at: TopicPartition): BatchIdentity {
    const { producerId, producerEpoch } = this
    return { producerId, producerEpoch, firstSequence: this.#next.get(partitionKey(at)) ?? 0 }
  }

  /** The broker acknowledged that many records. */
  advance(at: TopicPartition, records: number): void {
    const key = partitionKey(at)
    this.#next.set(key, ((this.#next.get(key) ?? 0) + records) % SEQUENCE_MODULUS)
  }
}
