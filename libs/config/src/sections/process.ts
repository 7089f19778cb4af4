import { z } from 'zod'
import { defineSection } from '../define.ts'
import { flag, optionalText, port, text } from '../values.ts'

/** What every process has: logs, the ops server, traces, its data folder. */
export interface ProcessConfig {
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'
  /** pretty for people in a terminal, json for machines; auto decides by stdout being a terminal. */
  readonly logFormat: 'auto' | 'pretty' | 'json'
  readonly opsHost: string
  /** 0 takes a free port. */
  readonly opsPort: number
  /** OTLP over HTTP; null = traces are not exported. */
  readonly otlpEndpoint: string | null
  /** Appends finished spans as JSON lines to this file: for tests and for looking at one event without a collector. */
  readonly traceFile: string | null
  readonly dataDir: string
  /** The process ends when its stdin closes: set by the local supervisor, so that nothing outlives it. */
  readonly parentPipe: boolean
}

export const processSection = (defaultOpsPort: number) =>
  defineSection(
    'Process',
    {
      LOG_LEVEL: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        .default('info')
        .describe('Least severe level that is logged'),
      LOG_FORMAT: z.enum(['auto', 'pretty', 'json']).default('auto').describe('auto: pretty in a terminal'),
      OPS_HOST: text('127.0.0.1', 'Interface of the ops server (/live, /ready, /metrics)'),
      OPS_PORT: port(defaultOpsPort, 'Port of the ops server; 0 takes a free one'),
      OTEL_EXPORTER_OTLP_ENDPOINT: optionalText('OTLP/HTTP collector; setting it turns traces on'),
      TRACE_FILE: optionalText('Appends finished spans as JSON lines to this file'),
      MILLRACE_DATA: text('./.millrace', 'Folder for everything kept on disk'),
      MILLRACE_PARENT_PIPE: flag(false, 'End when stdin closes (set by the supervisor)'),
    },
    (v): ProcessConfig => ({
      logLevel: v.LOG_LEVEL,
      logFormat: v.LOG_FORMAT,
      opsHost: v.OPS_HOST,
      opsPort: v.OPS_PORT,
      otlpEndpoint: v.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
      traceFile: v.TRACE_FILE ?? null,
      dataDir: v.MILLRACE_DATA,
      parentPipe: v.MILLRACE_PARENT_PIPE,
    }),
  )
