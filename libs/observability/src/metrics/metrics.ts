import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type LabelsOf, METRICS, type MetricName, type MetricOfType } from './catalogue.ts'

/** Typed access to the catalogue's metrics; a label that the catalogue does not name does not compile. */
export interface Metrics {
  count<N extends MetricOfType<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void
  set<N extends MetricOfType<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void
  observe<N extends MetricOfType<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void
  /** Calls `sample` at every scrape: for gauges that are read from somewhere. */
  onScrape(sample: () => void | Promise<void>): void
  /** Prometheus text format. */
  expose(): Promise<string>
  readonly contentType: string
}

type AnyMetric = Counter | Gauge | Histogram

/** A registry of its own per process part, so that tests can run several side by side. */
export function createMetrics(app: string): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ app })
  collectDefaultMetrics({ register: registry })
  const made = new Map<MetricName, AnyMetric>()
  const samples: (() => void | Promise<void>)[] = []
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
    expose: async () => {
      await Promise.all(samples.map((sample) => sample()))
      return registry.metrics()
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
