// SPDX-License-Identifier: Apache-2.0
export * from './backoff.ts';
export * from './clock.ts';
export * from './http-server.ts';
export * from './log.ts';
export * from './metric-registry.ts';
export * from './metrics-page.ts';
export * from './observation-server.ts';
export * from './options.ts';
export * from './process-metrics.ts';
export type { Admission } from './secure-metrics-server.ts';
export * from './shutdown.ts';
export * from './signal.ts';
export * from './task.ts';
