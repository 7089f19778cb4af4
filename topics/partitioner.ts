const SEED = 0x9747b28c
const M = 0x5bd1e995
const R = 24

/**
 * Murmur2 as Kafka's Java client computes it (org.apache.kafka.common.utils.Utils.murmur2), as a signed 32-bit number.
 */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  let h = SEED ^ length
  const words = length >> 2
  for (let i = 0; i < words; i++) {
    const at = i << 2
    let k =
      byte(data, at) | (byte(data, at + 1) << 8) | (byte(data, at + 2) << 16) | (byte(data, at + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> R
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
  }
  const tail = words << 2
  const rest = length - tail
  if (rest >= 3) h ^= byte(data, tail + 2) << 16
  if (rest >= 2) h ^= byte(data, tail + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ byte(data, tail), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  h ^= h >>> 15
  return h | 0
}

const byte = (data: Uint8Array, index: number): number => data[index] ?? 0

const encoder = new TextEncoder()

/**
 * The partition of everything an owner owns: (murmur2(owner) & 0x7fffffff) mod N over the owner's 64 hex characters.
 * The same as Kafka's DefaultPartitioner for that key, but set explicitly, since the record key is the event id.
 */
export const partitionOfOwner = (owner: string, partitionCount: number): number =>
  (murmur2(encoder.encode(owner)) & 0x7fffffff) % partitionCount

/** Keys of the heartbeat records that make Kafka roll and clean a quiet partition; every step drops them. */
export const TICK_KEY_PREFIX = '~tick:'

export const isTickKey = (key: Uint8Array | null): boolean =>
  key !== null &&
  key.length >= TICK_KEY_PREFIX.length &&
  Buffer.from(key.buffer, key.byteOffset, TICK_KEY_PREFIX.length).toString('latin1') === TICK_KEY_PREFIX
