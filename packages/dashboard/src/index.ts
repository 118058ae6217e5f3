// SPDX-License-Identifier: Apache-2.0
/** The page of `kubectl berth dashboard`: its files, and what is sent to it. What runs in the browser is in `page/`. */
export * from './page-file.ts';
export { pageFiles } from './page-files.ts';
export * from './wire.ts';
