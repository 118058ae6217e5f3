// SPDX-License-Identifier: Apache-2.0
export * from './http-server.ts';
export * from './log.ts';
export * from './metric-registry.ts';
export * from './options.ts';
export * from './process-metrics.ts';
export * from './shutdown.ts';
