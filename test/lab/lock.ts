// SPDX-License-Identifier: Apache-2.0

// A lock between processes, held by the kernel (flock) and so gone with its
// holder, however that ends. Node has no flock: a child of flock(1) holds it
// for as long as our end of its standard input stays open.

import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Runs `work` while holding the lock on `file`; waits for it as long as it takes. */
export async function withLock<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(dirname(file), { recursive: true });
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Its own session: a Ctrl-C must not drop the lock before the work that it protects has ended.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => holder.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('close', (code) => reject(new Error(`lock: ${JSON.stringify(file)}: flock exit ${code}`)));
    holder.stdout.once('data', () => resolve());
  });
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
