// SPDX-License-Identifier: Apache-2.0

// `npm run demo [-- --keep]`: the main job on a real cluster, from nothing to a failover.
// Ends with 0 only when every step was seen to work.

import { parseArgs } from 'node:util';
import { Lab } from '../lab.ts';
import { runDemo } from './demo.ts';
import { Stage } from './stage.ts';

const NAME = 'demo';

const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
const stage = new Stage(process.stdout);
let exitCode = 0;
try {
  await runDemo(stage, NAME);
} catch (error) {
  exitCode = 1;
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
}
if (values.keep) sayHowToGoOn();
else await stage.step('take everything down', () => Lab.down(NAME));
process.exit(exitCode);

function sayHowToGoOn(): void {
  const lab = `npm run lab -- --name ${NAME}`;
  console.log('\nThe cluster is still up. Go on with');
  console.log(`  ${lab} kubectl get services`);
  console.log(`  ${lab} exec client -- curl -s http://EXTERNAL-IP/hostname`);
  console.log(`  ${lab} cable node-1 down`);
  console.log(`  ${lab} down`);
}
