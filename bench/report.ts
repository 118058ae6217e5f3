// SPDX-License-Identifier: Apache-2.0

// The one format of all benchmark results: a table for people, JSON for programs.

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { formatTable } from '@berth/cli';

/** What a figure is held to. `on` names the statistic (or the ratio to the yardstick) that is compared. */
export type Target =
  | { on: 'median' | 'p99' | 'worst' | 'ratio'; atMost: number }
  | { on: 'median' | 'p99' | 'worst' | 'ratio'; atLeast: number };

/** One measured quantity; `median`, `p99` and `worst` in `unit`. */
export interface Figure {
  name: string;
  unit: string;
  median: number;
  p99: number;
  worst: number;
  /** The same quantity of something well known, taken in the same run. */
  yardstick: { name: string; median: number } | null;
  /** `median / yardstick.median`; null without a yardstick, and where that is 0. */
  ratio: number | null;
  target: Target | null;
  /** Whether the target was met; true where there is none. */
  met: boolean;
}

/** The outcome of one run of one benchmark. */
export interface BenchReport {
  bench: string;
  scenario: string;
  machine: { cpus: number; kernel: string; node: string };
  rounds: number;
  figures: Figure[];
  /** What people should know of the run besides. */
  notes?: readonly string[];
}

/** What every benchmark is called with: the arguments behind its name that `bench/main.ts` did not use itself. */
export interface BenchOptions {
  /** Rounds asked for with `--rounds`; a benchmark has its own default. */
  rounds?: number;
  /** Connections asked for with `--connections`, for a smaller or larger run. */
  connections?: number;
  /** Scenario asked for with `--scenario`; a benchmark has its own default. */
  scenario?: string;
  /** Tells people what is being done; one short line. */
  progress(line: string): void;
}

/** Returns the scenario of that name. Throws an Error that lists all names when there is none. */
export function scenarioNamed<T>(scenarios: Readonly<Record<string, T>>, name: string): T {
  const scenario = scenarios[name];
  if (scenario !== undefined) return scenario;
  throw new Error(`bench: --scenario: found '${name}', want one of ${Object.keys(scenarios).join(', ')}`);
}

/** Returns the machine part of a report. */
export function thisMachine(): BenchReport['machine'] {
  return {
    cpus: cpus().length,
    kernel: execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim(),
    node: process.version,
  };
}

export interface FigureInput {
  name: string;
  unit: string;
  /** At least one sample, in `unit`, in any order. */
  samples: readonly number[];
  /** Whether large samples are the bad ones (times) or small ones (rates). Default: 'large'. */
  worstIs?: 'large' | 'small';
  yardstick?: { name: string; samples: readonly number[] };
  target?: Target;
}

/**
 * Returns a figure made of samples: median, 99th percentile and worst by the nearest-rank rule, the ratio to the
 * yardstick's median, and whether the target was met.
 */
export function figure(input: FigureInput): Figure {
  const order = (a: number, b: number) => (input.worstIs === 'small' ? b - a : a - b);
  const sorted = [...input.samples].sort(order);
  const median = quantile(sorted, 0.5);
  const yardstick = input.yardstick
    ? { name: input.yardstick.name, median: quantile([...input.yardstick.samples].sort(order), 0.5) }
    : null;
  const partial = {
    name: input.name,
    unit: input.unit,
    median,
    p99: quantile(sorted, 0.99),
    worst: quantile(sorted, 1),
    yardstick,
    ratio: yardstick && yardstick.median !== 0 ? median / yardstick.median : null,
  };
  const target = input.target ?? null;
  return { ...partial, target, met: target === null || isMet(partial, target) };
}

function quantile(sorted: readonly number[], q: number): number {
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  if (value === undefined) throw new Error('bench: figure without samples');
  return value;
}

function isMet(measured: Pick<Figure, 'median' | 'p99' | 'worst' | 'ratio'>, target: Target): boolean {
  const value = measured[target.on];
  if (value === null) return false;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}

const HEAD = ['figure', 'unit', 'median', 'p99', 'worst', 'yardstick', 'ratio', 'target', ''];

/** Returns figures as a table for people: a head line, then a line per figure. */
export function formatFigures(figures: readonly Figure[]): string {
  const rows = figures.map((f) => [
    f.name,
    f.unit,
    round(f.median),
    round(f.p99),
    round(f.worst),
    f.yardstick ? `${f.yardstick.name} ${round(f.yardstick.median)}` : '-',
    f.ratio === null ? '-' : round(f.ratio),
    formatTarget(f.target),
    f.target === null ? '' : f.met ? 'met' : 'MISSED',
  ]);
  return formatTable([HEAD, ...rows]).trimEnd();
}

/** Returns the report for people: where it was measured, its figures, its notes. */
export function formatReport(report: BenchReport): string {
  const { machine } = report;
  return [
    `${report.bench} (${report.scenario}): ${report.rounds} rounds, ${machine.cpus} cpus, kernel ${machine.kernel}, node ${machine.node}`,
    formatFigures(report.figures),
    ...(report.notes ?? []),
  ].join('\n');
}

function formatTarget(target: Target | null): string {
  if (target === null) return '-';
  return 'atMost' in target ? `${target.on} <= ${target.atMost}` : `${target.on} >= ${target.atLeast}`;
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
