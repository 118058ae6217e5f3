// SPDX-License-Identifier: Apache-2.0

/** Fakes of this package's ports, for the unit tests of all packages; never imported by product code. */

export * from './fake-api.ts';
export * from './fake-api-of.ts';
export * from './merge-patch.ts';
