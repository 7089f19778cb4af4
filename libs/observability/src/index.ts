export { createLog, type Logger, silentLog } from './log.ts'
export { kindLabel, type LabelsOf, METRICS, type MetricName } from './metrics/catalogue.ts'
export { createMetrics, type Metrics } from './metrics/metrics.ts'
export {
  type OpsServer,
  type Readiness,
  type ReadinessCheck,
  readinessOf,
  startOpsServer,
} from './ops-server.ts'
export { type ProcessContext, type ProcessDefinition, runProcess } from './run-process.ts'
export {
  type Context,
  contextFromHeaders,
  contextOf,
  endSpan,
  inContext,
  type Span,
  startSpan,
  startTraces,
  traceHeaders,
} from './traces.ts'
