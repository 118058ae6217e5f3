// SPDX-License-Identifier: Apache-2.0
/**
 * Counters, gauges and histograms of the Prometheus project's client library, and the registry that writes their text.
 *
 * Only four of its files are loaded. The whole of it brings default metrics, a push gateway and OpenTelemetry, 2 MB of
 * resident memory that a daemon has no use for (docs/design/0004-memory.md). The library has no `exports` map, so
 * metric-registry.test.ts pins the files.
 */
import type {
  Counter as CounterOf,
  Gauge as GaugeOf,
  Histogram as HistogramOf,
  Registry as RegistryOf,
} from '@prometheus-io/client';
import counterFile from '@prometheus-io/client/lib/counter.js';
import gaugeFile from '@prometheus-io/client/lib/gauge.js';
import histogramFile from '@prometheus-io/client/lib/histogram.js';
import registryFile from '@prometheus-io/client/lib/registry.js';

/**
 * Grows only; without labels it begins with 0. `inc` throws for a number below zero, and for a label that it does not
 * have.
 */
export const Counter: typeof CounterOf = counterFile;
export type Counter<L extends string = never> = CounterOf<L>;

/**
 * Any number. Without labels it begins with 0: where nothing known is not zero, `collect` calls {@link Gauge.remove}
 * and the series is left out.
 */
export const Gauge: typeof GaugeOf = gaugeFile;
export type Gauge<L extends string = never> = GaugeOf<L>;

/** Counts observations in buckets, each of which counts what is at most its bound. */
export const Histogram: typeof HistogramOf = histogramFile;
export type Histogram<L extends string = never> = HistogramOf<L>;

/** What is read at one address; {@link metricsPage} writes it. A second metric of a name is refused by an Error. */
export const Registry: typeof RegistryOf = registryFile;
export type Registry = RegistryOf;
