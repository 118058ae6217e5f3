// SPDX-License-Identifier: Apache-2.0

// Makes this machine fit for the lab: Debian packages, Go, and the programs
// that are built with it. When nothing is missing it only looks at some files.
//
//   node test/lab/prerequisites.ts [--quiet] [--build-only]
//
// --build-only asks for no more than compiling the addon takes.

import { ensureBinaries, findBinaries } from './binaries.ts';
import { installPackages, missingPackages } from './debian-packages.ts';
import { assertGo } from './go-build.ts';

/** Rejects with what to do when the machine lacks something that cannot be installed from here. */
export async function ensurePrerequisites(purpose: 'everything' | 'build' = 'everything'): Promise<void> {
  const packages = missingPackages(purpose);
  if (packages.length > 0) await installPackages(packages, process.stderr);
  if (purpose === 'build' || findBinaries() !== undefined) return;
  await assertGo();
  process.stderr.write('lab: building Kubernetes, etcd and CoreDNS from source, once for this machine\n');
  await ensureBinaries(process.stderr);
}

if (import.meta.main) {
  try {
    await ensurePrerequisites(process.argv.includes('--build-only') ? 'build' : 'everything');
    if (!process.argv.includes('--quiet')) process.stderr.write('lab: everything that it needs is here\n');
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
