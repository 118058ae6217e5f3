// SPDX-License-Identifier: Apache-2.0
/** The hooks of the program that spreads: one suite, run on TCX links and on clsact. */
import { SpreadTable } from '@berth/link';
import { buildAddon } from '../../build.ts';

export const SPREAD_ENGINES = ['kernel', 'kernel-clsact'] as const;
export type SpreadEngine = (typeof SPREAD_ENGINES)[number];

/** Defines the suite once for each; pending, with the reason in its title, where one cannot be had. */
export function spreadEngines(title: string, suite: (engine: SpreadEngine) => void): void {
  buildAddon();
  for (const engine of SPREAD_ENGINES) {
    const obstacle = obstacleTo(engine);
    if (obstacle === undefined) describe(`${title}, ${engine}`, () => suite(engine));
    else describe.skip(`${title}, ${engine} (cannot be had: ${obstacle})`, () => suite(engine));
  }
}

function obstacleTo(engine: SpreadEngine): string | undefined {
  try {
    SpreadTable.open({ engine }).close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}
