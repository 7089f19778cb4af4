import { type PartitionRange, partitionKey } from '../../consuming/backend.ts'
import type { TopicPartition } from '../../port.ts'
import type { Cluster } from '../internals.ts'

/** First offset and end of each partition, from their leaders (ListOffsets). The cluster must know the topics. */
export async function partitionRanges(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, PartitionRange>> {
  const [earliest, end] = await Promise.all([
    listOffsets(cluster, partitions, true),
    listOffsets(cluster, partitions, false),
  ])
  return new Map(
    partitions.map((at) => {
      const key = partitionKey(at)
      return [key, { earliest: offsetIn(earliest, key), end: offsetIn(end, key) }]
    }),
  )
}

async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  fromBeginning: boolean,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, group]) => ({
    topic,
    partitions: group.map(({ partition }) => ({ partition })),
    fromBeginning,
  }))
  const answers = await cluster.fetchTopicsOffset(topics)
  return new Map(
    answers.flatMap(({ topic, partitions: offsets }) =>
      offsets.map(({ partition, offset }): [string, number] => [
        partitionKey({ topic, partition }),
        Number(offset),
      ]),
    ),
  )
}

function offsetIn(offsets: ReadonlyMap<string, number>, key: string): number {
  const offset = offsets.get(key)
  if (offset === undefined || offset < 0)
    throw new Error(`no offset for ${key}: its partition has no leader yet`)
  return offset
}

/** Every partition of the topics, as the cluster's metadata has them. */
export const partitionsOf = (cluster: Cluster, topics: readonly string[]): readonly TopicPartition[] =>
  topics.flatMap((topic) =>
    cluster
      .findTopicPartitionMetadata(topic)
      .map(({ partitionId }) => ({ topic, partition: partitionId }))
      .sort((a, b) => a.partition - b.partition),
  )
