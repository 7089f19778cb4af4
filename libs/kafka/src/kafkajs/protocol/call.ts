import { KafkajsEncoder, type ProtocolCall } from '../internals.ts'
import { ByteReader } from './byte-reader.ts'

interface CallSpec<T> {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  readonly body: Buffer
  readonly read: (reader: ByteReader) => T
  /** For requests that the broker holds back on purpose. */
  readonly requestTimeoutMs?: number
}

/** A request in the form kafkajs's connections send, with this package's own encoding and decoding. */
export const call = <T>({
  apiKey,
  apiVersion,
  apiName,
  body,
  read,
  requestTimeoutMs,
}: CallSpec<T>): ProtocolCall<T> => ({
  request: {
    apiKey,
    apiVersion,
    apiName,
    expectResponse: () => true,
    encode: async () => new KafkajsEncoder().writeBuffer(body),
  },
  response: {
    decode: async (payload) => read(new ByteReader(payload)),
    parse: async (decoded) => decoded,
  },
  ...(requestTimeoutMs === undefined ? {} : { requestTimeout: requestTimeoutMs }),
})
