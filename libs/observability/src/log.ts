import type { ProcessConfig } from '@millrace/config'
import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino'

export type { Logger } from 'pino'

/**
 * A constant message plus fields (app, group, topic, partition, offset, event_id); event content is never logged.
 * Pretty in a terminal, JSON lines otherwise.
 */
export function createLog(
  app: string,
  config: Pick<ProcessConfig, 'logLevel' | 'logFormat'>,
  labels: Readonly<Record<string, string>> = {},
): Logger {
  const options: LoggerOptions = {
    level: config.logLevel,
    base: { app, ...labels },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }
  const pretty = config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stdout.isTTY)
  if (!pretty) return pino(options)
  return pino({ ...options, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } })
}

/** A log that says nothing: for tests. */
export const silentLog: Logger = pino({ level: 'silent' })
