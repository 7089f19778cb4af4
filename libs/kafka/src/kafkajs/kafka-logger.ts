import { createKafkajsLogger, KAFKAJS_LEVELS, type KafkajsLogger } from './internals.ts'

/** The part of pino that this package writes to. */
export interface KafkaLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silentLogger: KafkaLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/**
 * Passes kafkajs's lines on at debug level: it reports as errors what this adapter retries, and what the adapter cannot
 * mend it reports itself.
 */
export const kafkajsLoggerTo = (log: KafkaLogger): KafkajsLogger =>
  createKafkajsLogger({
    level: KAFKAJS_LEVELS.WARN,
    logCreator: () => (entry) => {
      const { message, ...fields } = entry.log
      log.debug({ kafkajs: entry.namespace, detail: message, ...fields }, 'kafkajs')
    },
  })
