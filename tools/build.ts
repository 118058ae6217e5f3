// SPDX-License-Identifier: Apache-2.0

// `npm run build`: checks all types and bundles the programs into build/berth. The addon is built by tools/setup.sh.

import { spawnSync } from 'node:child_process';
import { bundleCommand, bundleDaemons, commandFile, daemonFolder } from './bundle.ts';

const { status } = spawnSync('tsc', ['-b'], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
await Promise.all([bundleDaemons(), bundleCommand()]);
console.log(`${daemonFolder}/  controller and speaker, as in the image\n${commandFile}  kubectl berth`);
