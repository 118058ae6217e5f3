// SPDX-License-Identifier: Apache-2.0
/** The metrics of a registry in the format that a scraper asks for: OpenMetrics 1.0, or Prometheus' text 0.0.4. */
import { Registry } from './metric-registry.ts';

export interface MetricsPage {
  readonly text: string;
  /** For the header Content-Type. */
  readonly type: string;
}

/** `accept`: the header of the request; undefined when it has none. */
export async function metricsPage(registry: Registry, accept: string | undefined): Promise<MetricsPage> {
  if (!prefersOpenMetrics(accept ?? '')) return { text: await registry.metrics(), type: registry.contentType };
  const open = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
  // For this format the library takes `_total` from the names of counters, for good. So it gets stand-ins, which have
  // names of their own and read everything else from the metric.
  for (const metric of registry.getMetricsAsArray()) open.registerMetric(Object.create(metric));
  return { text: await open.metrics(), type: open.contentType };
}

/** Whether version 1.0.0 of OpenMetrics is named, and nothing of plain text with a higher weight (RFC 9110, 12.4.2). */
function prefersOpenMetrics(accept: string): boolean {
  const ranges = accept.split(',').map(rangeOf);
  const open = ranges.find(({ type, version }) => type === 'application/openmetrics-text' && version === '1.0.0');
  const plain = ranges.find(({ type }) => type === 'text/plain');
  return open !== undefined && open.weight > 0 && open.weight >= (plain?.weight ?? 0);
}

function rangeOf(text: string): { readonly type: string; readonly version: string; readonly weight: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const parameter = (name: string) => parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  return { type, version: parameter('version') ?? '1.0.0', weight: Number(parameter('q') ?? 1) };
}
