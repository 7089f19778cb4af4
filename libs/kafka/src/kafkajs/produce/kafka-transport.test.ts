import type { Result } from '@millrace/kernel'
import { until } from '@millrace/testkit'
import { expect, test } from 'vitest'
import { outgoing } from '../../contract/log-subject.ts'
import type { Placement } from '../../port.ts'
import { BatchingProducer } from '../../producing/batching-producer.ts'
import type { Broker, Cluster, ProtocolCall } from '../internals.ts'
import { silentLogger } from '../kafka-logger.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { type Connections, KafkaTransport } from './kafka-transport.ts'

/** One partition of one produce request, as the broker sees it. */
interface Attempt {
  readonly partition: number
  readonly producerId: bigint
  readonly firstSequence: number
  readonly records: number
  readonly bytes: string
}

type Answer = { readonly code: number; readonly baseOffset?: number } | 'connection lost'

/** A broker whose answers a test writes down: for refusals that a real one gives only when its data is damaged. */
class ScriptedBroker {
  readonly attempts: Attempt[] = []
  readonly #answer: (attempt: Attempt, attemptsBefore: number) => Answer
  #producerIds = 100
  #ends = new Map<number, number>()

  constructor(answer: (attempt: Attempt, attemptsBefore: number) => Answer) {
    this.#answer = answer
  }

  connections(): Connections {
    const broker = {
      initProducerId: async () => ({ producerId: String(this.#producerIds++), producerEpoch: 0 }),
      connectionPool: { send: (request: ProtocolCall<unknown>) => this.#produce(request) },
    } as unknown as Broker
    const cluster = {
      findControllerBroker: async () => broker,
      findBroker: async () => broker,
      findTopicPartitionMetadata: () =>
        [0, 1].map((partitionId) => ({ partitionId, leader: 1, replicas: [1] })),
      refreshMetadata: async () => undefined,
    } as unknown as Cluster
    return {
      connected: async () => cluster,
      mend: async () => undefined,
      reset: () => undefined,
      close: async () => undefined,
    }
  }

  async #produce(request: ProtocolCall<unknown>): Promise<unknown> {
    const encoder = (await request.request.encode()) as { readonly buffer: Buffer }
    const answers = attemptsOf(encoder.buffer).map((attempt) => {
      const before = this.attempts.filter(({ partition }) => partition === attempt.partition).length
      this.attempts.push(attempt)
      return { attempt, answer: this.#answer(attempt, before) }
    })
    const response = Buffer.alloc(4 + 2 + 1 + 4 + answers.length * 30 + 4)
    let at = response.writeInt32BE(1, 0)
    at = response.writeInt16BE(1, at)
    at += response.write('t', at)
    at = response.writeInt32BE(answers.length, at)
    for (const { attempt, answer } of answers) {
      if (answer === 'connection lost') throw new Error('connection lost')
      const end = this.#ends.get(attempt.partition) ?? 0
      if (answer.code === 0) this.#ends.set(attempt.partition, end + attempt.records)
      at = response.writeInt32BE(attempt.partition, at)
      at = response.writeInt16BE(answer.code, at)
      at = response.writeBigInt64BE(BigInt(answer.code === 0 ? end : -1), at) + 16
    }
    return await request.response.decode(response)
  }
}

function attemptsOf(body: Buffer): readonly Attempt[] {
  const reader = new ByteReader(body)
  reader.at = 2 + 2 + 4
  return reader
    .array(() => {
      reader.string()
      return reader.array(() => {
        const partition = reader.int32()
        const batch = reader.slice(reader.int32())
        return {
          partition,
          producerId: batch.readBigInt64BE(43),
          firstSequence: batch.readInt32BE(53),
          records: batch.readInt32BE(57),
          bytes: batch.toString('hex'),
        }
      })
    })
    .flat()
}

const producing = (broker: ScriptedBroker, deliveryTimeoutMs = 5_000) =>
  new BatchingProducer(new KafkaTransport(broker.connections(), 1_000, silentLogger), { deliveryTimeoutMs })

const appendAll = (producer: BatchingProducer, partitions: readonly number[], bytes = 5) =>
  Promise.all(
    partitions.map((partition, n) => producer.append(outgoing('t', partition, `k${n}`, 'x'.repeat(bytes)))),
  )

const outcomes = (results: readonly Result<Placement>[]) =>
  results.map((result) => (result.ok ? result.value.offset : result.fault.code))

test('numbers the batches of each partition under one producer id', async () => {
  const broker = new ScriptedBroker(() => ({ code: 0 }))
  const producer = producing(broker)
  expect(outcomes(await appendAll(producer, [0, 0, 1]))).toEqual([0, 1, 0])
  expect(outcomes(await appendAll(producer, [0, 1, 1]))).toEqual([2, 1, 2])
  expect(broker.attempts).toMatchObject([
    { partition: 0, producerId: 100n, firstSequence: 0, records: 2 },
    { partition: 1, producerId: 100n, firstSequence: 0, records: 1 },
    { partition: 0, producerId: 100n, firstSequence: 2, records: 1 },
    { partition: 1, producerId: 100n, firstSequence: 1, records: 2 },
  ])
})

test.each([
  ['a passing refusal', { code: 6 }],
  ['a lost connection', 'connection lost'],
] as const)(
  'after %s the same bytes go out again, and only for the partition without an answer',
  async (_, failure) => {
    const broker = new ScriptedBroker(({ partition }, before) =>
      partition === 0 && before < 2 ? failure : { code: 0 },
    )
    const producer = producing(broker)
    expect(outcomes(await appendAll(producer, [0, 1]))).toEqual([0, 0])
    const [first, ...repeats] = broker.attempts.filter(({ partition }) => partition === 0)
    expect(repeats.map(({ bytes }) => bytes)).toEqual([first?.bytes, first?.bytes])
    const others = broker.attempts.filter(({ partition }) => partition === 1)
    if (failure !== 'connection lost') expect(others).toHaveLength(1)
    expect(new Set(others.map(({ bytes }) => bytes)).size).toBe(1)
  },
)

test('a broken numbering refuses the whole flight as unknown and starts a new producer id', async () => {
  const broker = new ScriptedBroker(({ producerId }) => ({ code: producerId === 100n ? 45 : 0 }))
  const producer = producing(broker)
  expect(outcomes(await appendAll(producer, [0, 0]))).toEqual(['kafka-fenced', 'kafka-fenced'])
  expect(outcomes(await appendAll(producer, [0]))).toEqual([0])
  expect(broker.attempts.at(-1)).toMatchObject({ producerId: 101n, firstSequence: 0 })
})

test('a flight that nobody answers in time takes its producer id with it', async () => {
  const broker = new ScriptedBroker(({ producerId }) =>
    producerId === 100n ? 'connection lost' : { code: 0 },
  )
  const producer = producing(broker, 200)
  expect(outcomes(await appendAll(producer, [0]))).toEqual(['timeout'])
  await until(() => producer.pendingRecords === 0, { what: 'the flight let go' })
  expect(outcomes(await appendAll(producer, [0]))).toEqual([0])
  expect(broker.attempts.at(-1)).toMatchObject({ producerId: 101n, firstSequence: 0 })
})

test('a batch that is too large is halved; a record that is too large is refused alone', async () => {
  const broker = new ScriptedBroker(({ bytes }) => ({ code: bytes.length > 2 * 600 ? 10 : 0 }))
  const producer = producing(broker)
  const sizes = [100, 100, 100, 900, 100, 100, 100, 100]
  const results = await Promise.all(
    sizes.map((size, n) => producer.append(outgoing('t', 0, `k${n}`, 'x'.repeat(size)))),
  )
  expect(outcomes(results)).toEqual([0, 1, 2, 'message-too-large', 3, 4, 5, 6])
  const accepted = broker.attempts.filter(({ bytes }) => bytes.length <= 2 * 600)
  let sequence = 0
  for (const { firstSequence, records } of accepted) {
    expect(firstSequence).toBe(sequence)
    sequence += records
  }
})

test('a partition that does not exist is refused without a request, and the others go on', async () => {
  const broker = new ScriptedBroker(() => ({ code: 0 }))
  expect(outcomes(await appendAll(producing(broker), [7, 0]))).toEqual(['topic-mismatch', 0])
  expect(broker.attempts.map(({ partition }) => partition)).toEqual([0])
})
