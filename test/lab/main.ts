// SPDX-License-Identifier: Apache-2.0

// The command `npm run lab`: wires the command line to the lab.

import { commandLine } from './command-line.ts';

try {
  await commandLine(process.stdout, process.stderr).parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
