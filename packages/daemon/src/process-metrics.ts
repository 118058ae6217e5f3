// SPDX-License-Identifier: Apache-2.0
/** Metrics that every process has, by the names that Prometheus' own client libraries give them. */
import { Counter, Gauge, type Registry } from './metric-registry.ts';

/** Adds resident memory, processor time and start time of this process to a registry; they are read when somebody asks. */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
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
