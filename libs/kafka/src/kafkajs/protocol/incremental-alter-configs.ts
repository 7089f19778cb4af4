import type { ProtocolCall } from '../internals.ts'
import { ByteWriter } from './byte-writer.ts'
import { call } from './call.ts'

const TOPIC_RESOURCE = 2
const BROKER_RESOURCE = 4
const SET = 0

interface AlteredResource {
  readonly errorCode: number
  readonly errorMessage: string
}

type Configs = Readonly<Record<string, string>>

/** Sets the named configs of a topic and leaves the others alone. */
export const alterTopicConfigsCall = (topic: string, configs: Configs) =>
  incrementalAlterConfigsCall(TOPIC_RESOURCE, topic, configs)

/** Sets dynamic configs of all brokers. */
export const alterBrokerConfigsCall = (configs: Configs) =>
  incrementalAlterConfigsCall(BROKER_RESOURCE, '', configs)

/**
 * IncrementalAlterConfigs, version 0 (KIP-339). kafkajs knows only the older AlterConfigs, which resets whatever is not
 * named.
 */
const incrementalAlterConfigsCall = (
  resourceType: number,
  name: string,
  configs: Configs,
): ProtocolCall<readonly AlteredResource[]> =>
  call<readonly AlteredResource[]>({
    apiKey: 44,
    apiVersion: 0,
    apiName: 'IncrementalAlterConfigs',
    body: new ByteWriter()
      .int32(1)
      .int8(resourceType)
      .string(name)
      .array(Object.entries(configs), (writer, [key, value]) => writer.string(key).int8(SET).string(value))
      .int8(0) // validate_only
      .done(),
    read: (reader) => {
      reader.at += 4 // throttle_time_ms
      return reader.array(() => {
        const altered = { errorCode: reader.int16(), errorMessage: reader.string() }
        reader.at += 1 // resource_type
        reader.string()
        return altered
      })
    },
  })
