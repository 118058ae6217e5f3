// SPDX-License-Identifier: Apache-2.0

// Makes this machine fit for the lab: Debian packages, Go, and the programs
// that are built with it. When nothing is missing it only looks at some files.
//
//   node test/lab/prerequisites.ts [--quiet] [--for=build|lint]
//
// --for asks for no more than compiling the addon, or looking at the source, takes.

import { parseArgs } from 'node:util';
import { makeProgramFolder } from '../../tools/program-folder.ts';
import { ensureBinaries, findBinaries } from './binaries.ts';
import { DECLARED_PACKAGES, installPackages, missingPackages, type Purpose } from './debian-packages.ts';
import { assertGo } from './go-build.ts';

/** Rejects with what to do when the machine lacks something that cannot be installed from here. */
export async function ensurePrerequisites(purpose: Purpose = 'everything'): Promise<void> {
  const packages = missingPackages(purpose);
  if (packages.length > 0) await installPackages(packages, process.stderr);
  await makeProgramFolder(DECLARED_PACKAGES);
  if (purpose !== 'everything' || findBinaries() !== undefined) return;
  await assertGo();
  process.stderr.write('lab: building Kubernetes, etcd and CoreDNS from source, once for this machine\n');
  await ensureBinaries();
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: { quiet: { type: 'boolean' }, for: { type: 'string', default: 'everything' } },
    });
    await ensurePrerequisites(purposeNamed(values.for));
    if (values.quiet !== true) process.stderr.write('lab: everything that it needs is here\n');
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

function purposeNamed(name: string): Purpose {
  if (name === 'build' || name === 'lint' || name === 'everything') return name;
  throw new Error(`lab: --for: found '${name}', want build, lint or everything`);
}
