// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth` as a library: arguments become an operation, an operation runs in an environment. */
export * from './command-line.ts';
export { openPage } from './dashboard/open-page.ts';
export * from './environment.ts';
export * from './operation.ts';
export * from './reference.ts';
export * from './run.ts';
export { formatTable } from './table.ts';
