import { z } from 'zod'
import { defineSection, secret } from '../define.ts'
import { flag, list, optionalText, text } from '../values.ts'

/** How to reach the log. */
export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl: boolean
  /** A PEM file with the certificate authority of the brokers, where it is not a public one. */
  readonly sslCaFile: string | null
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  } | null
}

export const kafkaSection = defineSection(
  'Kafka',
  {
    KAFKA_BROKERS: list('Brokers, host:port', '127.0.0.1:9092'),
    KAFKA_CLIENT_ID: text('millrace', 'The client id that brokers log'),
    KAFKA_SSL: flag(false, 'TLS to the brokers'),
    KAFKA_SSL_CA_FILE: optionalText('PEM file of the certificate authority that signed the brokers'),
    KAFKA_SASL_MECHANISM: z
      .enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512'])
      .default('none')
      .describe('SASL mechanism'),
    KAFKA_SASL_USERNAME: text('', 'SASL user'),
    KAFKA_SASL_PASSWORD: secret(text('', 'SASL password')),
  },
  (v): KafkaConfig => ({
    brokers: v.KAFKA_BROKERS,
    clientId: v.KAFKA_CLIENT_ID,
    ssl: v.KAFKA_SSL,
    sslCaFile: v.KAFKA_SSL_CA_FILE ?? null,
    sasl:
      v.KAFKA_SASL_MECHANISM === 'none'
        ? null
        : {
            mechanism: v.KAFKA_SASL_MECHANISM,
            username: v.KAFKA_SASL_USERNAME,
            password: v.KAFKA_SASL_PASSWORD,
          },
  }),
)
