// SPDX-License-Identifier: Apache-2.0

// Makes the client of a lab forget again and again who has an address, so that each connect asks for it on the LAN, as
// the first one of a new client does. Without that a client notices nothing of who answers: a node that answered before
// goes on forwarding.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Lab } from '../lab/lab.ts';

/** How often, in milliseconds. */
const FORGET_EVERY_MS = 20;

/** Begins; the function that is returned ends it. */
export function forgetAgainAndAgain(lab: Lab, address: string): () => Promise<void> {
  const [program = '', ...args] = lab.argvOn('client', ['ip', '-force', '-batch', '-']);
  // It says so each time that there is nothing to forget.
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
  const timer = setInterval(() => child.stdin.write(`neigh del ${address} dev eth0\n`), FORGET_EVERY_MS);
  return async () => {
    clearInterval(timer);
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
  };
}
