import type { ProtocolCall } from '../internals.ts'
import { ByteWriter } from './byte-writer.ts'
import { call } from './call.ts'

const TOPIC_RESOURCE = 2
const SET = 0

/**
 * IncrementalAlterConfigs, version 0 (KIP-339): sets the named configs of a topic and leaves the others alone. (kafkajs
 * knows only the older AlterConfigs, which resets whatever is not named.)
 */
export const incrementalAlterConfigsCall = (
  topic: string,
  configs: Readonly<Record<string, string>>,
): ProtocolCall<readonly { readonly errorCode: number; readonly errorMessage: string }[]> =>
  call<readonly { readonly errorCode: number; readonly errorMessage: string }[]>({
    apiKey: 44,
    apiVersion: 0,
    apiName: 'IncrementalAlterConfigs',
    body: new ByteWriter()
      .int32(1)
      .int8(TOPIC_RESOURCE)
      .string(topic)
      .array(Object.entries(configs), (writer, [name, value]) => writer.string(name).int8(SET).string(value))
      .int8(0) // validate_only
      .done(),
    read: (reader) => {
      reader.at += 4 // throttle_time_ms
      return reader.array(() => {
        const answer = { errorCode: reader.int16(), errorMessage: reader.string() }
        reader.at += 1 // resource_type
        reader.string()
        return answer
      })
    },
  })
