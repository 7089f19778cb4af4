import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import { type LabelsOf, METRICS, type MetricName, type MetricOfType } from './catalogue.ts'

/** Typed access to the catalogue's metrics; a label that the catalogue does not name does not compile. */
export interface Metrics {
  count<N extends MetricOfType<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void
  set<N extends MetricOfType<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void
  observe<N extends MetricOfType<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void
  /** Calls `sample` at every scrape: for gauges that are read from somewhere. */
  onScrape(sample: () => void | Promise<void>): void
  /** Prometheus text format, with what the sources have. */
  expose(): Promise<string>
  /** Everything of this process, to be handed to one that exposes it. */
  snapshot(): Promise<MetricsSnapshot>
  /** Exposes the metrics of other processes too; their default labels have to tell them apart. */
  addSource(source: () => Promise<MetricsSnapshot>): void
  readonly contentType: string
}

/** The metrics of one process, as it can travel between processes. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[]

type AnyMetric = Counter | Gauge | Histogram

/**
 * A registry of its own per process part, so that tests can run several side by side.
 *
 * @param labels that every metric has beside `app`
 */
export function createMetrics(app: string, labels: Readonly<Record<string, string>> = {}): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ app, ...labels })
  collectDefaultMetrics({ register: registry })
  const made = new Map<MetricName, AnyMetric>()
  const samples: (() => void | Promise<void>)[] = []
  const sources: (() => Promise<MetricsSnapshot>)[] = []
  const snapshot = async (): Promise<MetricsSnapshot> => {
    await Promise.all(samples.map((sample) => sample()))
    return registry.getMetricsAsJSON()
  }
  const get = (name: MetricName): AnyMetric => {
    const known = made.get(name)
    if (known) return known
    const metric = make(name, registry)
    made.set(name, metric)
    return metric
  }
  return {
    count: (name, labels, by = 1) => (get(name) as Counter).inc(labels, by),
    set: (name, labels, value) => (get(name) as Gauge).set(labels, value),
    observe: (name, labels, value) => (get(name) as Histogram).observe(labels, value),
    onScrape: (sample) => void samples.push(sample),
    snapshot,
    addSource: (source) => void sources.push(source),
    expose: async () => {
      const [own, ...others] = await Promise.all([snapshot(), ...sources.map((source) => source())])
      if (others.length === 0) return registry.metrics()
      // Nothing is summed up: no two processes share all their labels.
      return AggregatorRegistry.aggregate([own, ...others] as object[]).metrics()
    },
    contentType: registry.contentType,
  }
}

function make(name: MetricName, registry: Registry): AnyMetric {
  const spec = METRICS[name]
  const options = { name, help: spec.help, labelNames: [...spec.labels], registers: [registry] }
  if (spec.type === 'counter') return new Counter(options)
  if (spec.type === 'gauge') return new Gauge(options)
  return new Histogram({ ...options, buckets: [...spec.buckets] })
}
