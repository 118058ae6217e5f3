// SPDX-License-Identifier: Apache-2.0
/** What tests start in their own process; the program itself is main.ts. */

export type { Log } from '@berth/runtime';
export { Controller, type ControllerOptions } from './controller.ts';
