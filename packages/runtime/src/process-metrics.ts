// SPDX-License-Identifier: Apache-2.0
/** Metrics that every process has, by the names that Prometheus' own client libraries give them. */
import manifest from '../package.json' with { type: 'json' };
import { Counter, Gauge, Histogram, type Registry } from './metric-registry.ts';

/**
 * Adds version, resident memory, processor time and start time of this process to a registry; they are read when
 * somebody asks.
 */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'berth_build_info',
    help: '1, with the version of Berth and of Node.js',
    labelNames: ['version', 'nodejs'],
    registers,
  }).set({ version: manifest.version, nodejs: process.version }, 1);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since the epoch in seconds',
    registers,
  }).set(Date.now() / 1000 - process.uptime());
}

/** A call of the API server that has ended. */
export interface MeasuredCall {
  readonly verb: string;
  readonly resource: string;
  readonly result: string;
  readonly milliseconds: number;
}

/** Upper bounds of the buckets, in seconds: a quick answer, one of a busy server, one that people wait for. */
const CALL_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30];

/** Adds a histogram of the calls of the API server to a registry; returns what is to be called with each. */
export function registerApiCalls(registry: Registry): (call: MeasuredCall) => void {
  const seconds = new Histogram({
    name: 'berth_api_request_seconds',
    help: 'Time until the API server had answered, by verb, resource and result; of a watch, until it was open',
    labelNames: ['verb', 'resource', 'result'],
    buckets: CALL_SECONDS,
    registers: [registry],
  });
  return ({ verb, resource, result, milliseconds }) => seconds.observe({ verb, resource, result }, milliseconds / 1000);
}
