// SPDX-License-Identifier: Apache-2.0

/** The clock, the log and the ports that tests of all packages run with; never imported by product code. */

export * from './fake-clock.ts';
export * from './free-ports.ts';
export * from './recording-log.ts';
