// SPDX-License-Identifier: Apache-2.0
/**
 * Counters and gauges, and their text for Prometheus (exposition format 0.0.4). Ours, since the client library of the Prometheus
 * project takes 12 MB of resident memory: docs/design/0004-memory.md. Called as that library is.
 */

/** Label values by name. */
export type Labels<L extends string> = Partial<Readonly<Record<L, string | number>>>;

export interface MetricOptions<M, L extends string> {
  readonly name: string;
  readonly help: string;
  /** All labels that a series may have; others are a mistake of the program. */
  readonly labelNames?: readonly L[];
  readonly registers: readonly Registry[];
  /** Called each time before the metric is read. */
  collect?(this: M): void;
}

/** What is read at one address. */
export class Registry {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #metrics = new Map<string, Metric<string>>();

  /** Throws when there is a metric of this name already. */
  register(metric: Metric<string>): void {
    if (this.#metrics.has(metric.name)) throw new Error(`metrics: a second metric ${metric.name}`);
    this.#metrics.set(metric.name, metric);
  }

  /** The text of all metrics; a metric without a series is only its help. */
  async metrics(): Promise<string> {
    return [...this.#metrics.values()].map((metric) => metric.text()).join('\n');
  }
}

/** Series of one name, one for each combination of labels. */
abstract class Metric<L extends string> {
  readonly name: string;
  readonly #type: 'counter' | 'gauge';
  readonly #help: string;
  readonly #labelNames: readonly string[];
  readonly #collect: () => void;
  /** Value by labels as they are written. */
  protected readonly series = new Map<string, number>();

  constructor(type: 'counter' | 'gauge', options: MetricOptions<never, L>) {
    this.name = options.name;
    this.#type = type;
    this.#help = options.help;
    this.#labelNames = options.labelNames ?? [];
    const { collect } = options as { collect?(this: Metric<L>): void };
    this.#collect = () => collect?.call(this);
    for (const registry of options.registers) registry.register(this);
  }

  /** Takes all series away. */
  reset(): void {
    this.series.clear();
  }

  text(): string {
    this.#collect();
    const lines = [...this.series].map(([labels, value]) => `${this.name}${labels} ${formatValue(value)}\n`);
    const help = this.#help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    return `# HELP ${this.name} ${help}\n# TYPE ${this.name} ${this.#type}\n${lines.join('')}`;
  }

  protected seriesOf(labels: Labels<L>): string {
    const given: Readonly<Record<string, string | number | undefined>> = labels;
    const unknown = Object.keys(given).find((name) => !this.#labelNames.includes(name));
    if (unknown !== undefined) throw new Error(`metrics: ${this.name} has no label ${unknown}`);
    // In one order, since the text is the key: the same labels twice would make the whole page unreadable.
    const present = this.#labelNames.filter((name) => given[name] !== undefined);
    const pairs = present.map((name) => `${name}="${escapeLabel(String(given[name]))}"`);
    return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  }
}

/** Grows only; without labels it begins with 0. */
export class Counter<L extends string = never> extends Metric<L> {
  constructor(options: MetricOptions<Counter<L>, L>) {
    super('counter', options as MetricOptions<never, L>);
    if ((options.labelNames ?? []).length === 0) this.series.set('', 0);
  }

  /** Throws for a number below zero. */
  inc(labelsOrCount: Labels<L> | number = 1, count = 1): void {
    const [labels, by] = typeof labelsOrCount === 'number' ? [{}, labelsOrCount] : [labelsOrCount, count];
    if (by < 0) throw new Error(`metrics: ${this.name} cannot shrink`);
    const key = this.seriesOf(labels);
    this.series.set(key, (this.series.get(key) ?? 0) + by);
  }
}

/** Any number. One that was never set is not there: nothing known is not zero. */
export class Gauge<L extends string = never> extends Metric<L> {
  constructor(options: MetricOptions<Gauge<L>, L>) {
    super('gauge', options as MetricOptions<never, L>);
  }

  set(labelsOrValue: Labels<L> | number, value = 0): void {
    if (typeof labelsOrValue === 'number') this.series.set('', labelsOrValue);
    else this.series.set(this.seriesOf(labelsOrValue), value);
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}
