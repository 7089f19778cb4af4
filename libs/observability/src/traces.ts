import { appendFileSync } from 'node:fs'
import type { ProcessConfig } from '@millrace/config'
import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'

export type { Context, Span } from '@opentelemetry/api'
export type Headers = Record<string, string>

interface TraceSdk {
  shutdown(): Promise<void>
}

/**
 * Turns traces on where an OTLP endpoint or a trace file is configured; otherwise spans are no-ops and nothing is
 * loaded. The SDK takes the standard OTEL_* variables (sampler, resource attributes, headers).
 */
export async function startTraces(app: string, config: ProcessConfig): Promise<TraceSdk> {
  if (config.otlpEndpoint === null && config.traceFile === null) return { shutdown: async () => {} }
  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const { BatchSpanProcessor, SimpleSpanProcessor } = await import('@opentelemetry/sdk-trace')
  const processors = []
  if (config.otlpEndpoint !== null) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    processors.push(new BatchSpanProcessor({ exporter: new OTLPTraceExporter() }))
  }
  if (config.traceFile !== null)
    processors.push(new SimpleSpanProcessor({ exporter: fileExporter(app, config.traceFile) }))
  const sdk = new NodeSDK({
    serviceName: `millrace-${app}`,
    spanProcessors: processors,
    instrumentations: [],
  })
  sdk.start()
  return sdk
}

/** One JSON line per finished span: enough to follow one event without a collector. */
function fileExporter(app: string, path: string): SpanExporter {
  return {
    export: (spans, done) => {
      appendFileSync(path, spans.map((span) => `${JSON.stringify(spanLine(app, span))}\n`).join(''))
      done({ code: 0 })
    },
    shutdown: async () => {},
  }
}

const spanLine = (app: string, span: ReadableSpan) => ({
  app,
  name: span.name,
  trace_id: span.spanContext().traceId,
  span_id: span.spanContext().spanId,
  parent_span_id: span.parentSpanContext?.spanId ?? null,
  links: span.links.map((link) => link.context.traceId),
  attributes: span.attributes,
})

const tracer = () => trace.getTracer('millrace')

export const startSpan = (name: string, attributes: Attributes, parent: Context = context.active()): Span =>
  tracer().startSpan(name, { attributes }, parent)

export const contextOf = (span: Span): Context => trace.setSpan(context.active(), span)

export function endSpan(span: Span, failure?: string): void {
  if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
  span.end()
}

/** W3C trace context as Kafka or HTTP headers; empty while traces are off. */
export function traceHeaders(from: Context = context.active()): Headers {
  const headers: Headers = {}
  propagation.inject(from, headers)
  return headers
}

/** The context that a record's headers carry. */
export const contextFromHeaders = (headers: Readonly<Record<string, string>>): Context =>
  headers['traceparent'] === undefined ? context.active() : propagation.extract(context.active(), headers)

export const inContext = <T>(within: Context, work: () => T): T => context.with(within, work)
