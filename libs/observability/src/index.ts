export { createLog, type Logger, silentLog } from './log.ts'
export { kindLabel, type LabelsOf, METRICS, type MetricName } from './metrics/catalogue.ts'
export { createMetrics, type Metrics, type MetricsSnapshot } from './metrics/metrics.ts'
export {
  type OpsServer,
  type Readiness,
  type ReadinessCheck,
  type ReadinessState,
  readinessOf,
  startOpsServer,
  stateOf,
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
