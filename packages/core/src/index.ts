// SPDX-License-Identifier: Apache-2.0
/** The rules of Berth as pure functions and values: no I/O, no clock, no randomness, no logger. */
export * from './config/advertisement.ts';
export * from './config/label-selector.ts';
export * from './config/parse.ts';
export * from './config/pool-config.ts';
export * from './config/problem.ts';
export * from './ipam/allocator.ts';
export * from './ipam/decision.ts';
export * from './ipam/ledger-object.ts';
export * from './ipam/pool-report.ts';
export * from './ipam/preview.ts';
export * from './net/interval-set.ts';
export * from './net/ip-address.ts';
export * from './net/ip-prefix.ts';
export * from './net/ip-range.ts';
export * from './net/parsed.ts';
export * from './service/kube-service.ts';
export * from './service/load-balancer-class.ts';
export * from './service/service-request.ts';
export * from './service/service-status.ts';
