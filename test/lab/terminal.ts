// SPDX-License-Identifier: Apache-2.0

// Runs a program of the caller's in the foreground, as a shell would: on the caller's PATH, not the one of
// tools/setup.sh.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Runs a program with this terminal as its input and output; returns its exit code, 128 + number for a signal. */
export function runInTerminal(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const [program = '', ...args] = argv;
  const PATH = process.env.BERTH_CALLER_PATH ?? process.env.PATH;
  // Ctrl-C reaches the program too, which ends in its own way; we only wait for that.
  const stay = () => {};
  process.on('SIGINT', stay);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, PATH, ...env } });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => process.off('SIGINT', stay));
}
