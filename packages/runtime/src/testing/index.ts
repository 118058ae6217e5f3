// SPDX-License-Identifier: Apache-2.0

/** The clock and the log that unit tests of all packages run with; never imported by product code. */

export * from './fake-clock.ts';
export * from './recording-log.ts';
