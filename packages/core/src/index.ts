// SPDX-License-Identifier: Apache-2.0
/** The rules of Berth as pure functions and values: no I/O, no clock, no randomness, no logger. */
export * from './net/interval-set.ts';
export * from './net/ip-address.ts';
export * from './net/ip-prefix.ts';
export * from './net/ip-range.ts';
export * from './net/parsed.ts';
