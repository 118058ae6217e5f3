// SPDX-License-Identifier: Apache-2.0

// `kubectl berth` of this tree, on a lab.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Lab } from '../lab/lab.ts';

export const BERTH_PROGRAM = 'packages/cli/src/main.ts';

export interface BerthOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment in which the command finds the lab's cluster. */
export function berthEnvironment(lab: Lab): NodeJS.ProcessEnv {
  return { ...process.env, KUBECONFIG: lab.kubeconfig };
}

/** What the command prints, whatever it ends with: `status` ends with 1 where there is a problem. */
export async function berth(lab: Lab, ...argv: string[]): Promise<BerthOutput> {
  const run = promisify(execFile)(process.execPath, [BERTH_PROGRAM, ...argv], { env: berthEnvironment(lab) });
  return run.catch((error: BerthOutput) => error);
}

/** The same as one text. */
export async function berthText(lab: Lab, ...argv: string[]): Promise<string> {
  const { stdout, stderr } = await berth(lab, ...argv);
  return stdout + stderr;
}
