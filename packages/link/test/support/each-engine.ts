// SPDX-License-Identifier: Apache-2.0
/**
 * The contract of all engines: one suite, run on the packet sockets and on the program in the kernel, at both of its
 * hooks.
 */
import { ENGINES, type EngineName, Responder } from '@berth/link';
import { buildAddon } from '../../build.ts';

/** Defines the suite once for each engine; pending, with the reason in its title, where an engine is not available. */
export function eachEngine(title: string, suite: (engine: EngineName) => void): void {
  for (const engine of ENGINES) {
    const obstacle = obstacleTo(engine);
    if (obstacle === undefined) describe(`${title}, ${engine} engine`, () => suite(engine));
    else describe.skip(`${title}, ${engine} engine (cannot be had: ${obstacle})`, () => suite(engine));
  }
}

/** What was found out once: the kernel takes a moment to check the program. */
const obstacles = new Map<EngineName, string | undefined>();

function obstacleTo(engine: EngineName): string | undefined {
  if (!obstacles.has(engine)) obstacles.set(engine, findObstacle(engine));
  return obstacles.get(engine);
}

function findObstacle(engine: EngineName): string | undefined {
  buildAddon();
  try {
    Responder.open(undefined, engine).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
