// SPDX-License-Identifier: Apache-2.0
/** The rules of Berth as pure functions and values: no I/O, no clock, no randomness, no logger. */

export * from './layer2/fitting-interface.ts';
export * from './layer2/gratuitous-schedule.ts';
export * from './layer2/respond.ts';
export * from './layer2/vip-table.ts';
export * from './net/interval-set.ts';
export * from './net/ip-address.ts';
export * from './net/ip-prefix.ts';
export * from './net/ip-range.ts';
export * from './net/mac-address.ts';
export * from './net/parsed.ts';
export * from './placement/eligibility.ts';
export * from './placement/place.ts';
export * from './placement/rendezvous.ts';
export * from './wire/arp.ts';
export * from './wire/ethernet.ts';
