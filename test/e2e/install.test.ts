// SPDX-License-Identifier: Apache-2.0

// The commands that README.md tells a new user to type, typed.

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { codeBlocks, section } from '../docs/markdown.ts';
import type { Lab } from '../lab/lab.ts';
import { applyObjects, poolsConfigMap, waitForExternalIp, webService } from '../support/workload.ts';
import { cluster, clusterTimeoutMs, deleteServices } from './cluster.ts';

describe('the commands of README.md', () => {
  let lab: Lab;

  before(async function bringUp() {
    this.timeout(clusterTimeoutMs);
    lab = await cluster();
  });

  after(() => applyObjects(lab, poolsConfigMap(lab.plan.pools)));

  it('install Berth and give a Service an address of the pool in manifests/ip-address-pools.yaml', async () => {
    for (const command of installCommands()) await lab.kubectl(command.split(' ').slice(1));
    await applyObjects(lab, webService('readme'));
    expect(await waitForExternalIp(lab, 'readme')).to.equal('192.168.10.240');
    await deleteServices(lab, 'readme');
  });
});

function installCommands(): string[] {
  const install = section(readFileSync('README.md', 'utf8'), 'Install it on your own cluster');
  // The blocks stand in a list and are indented.
  const blocks = codeBlocks(install.replace(/^ {3}/gm, '')).filter(({ language }) => language === 'sh');
  const commands = blocks.flatMap(({ text }) => text.trim().split('\n'));
  if (!commands.every((command) => command.startsWith('kubectl ')))
    throw new Error(`README.md: ${commands.join('; ')}`);
  if (commands.length < 2) throw new Error('README.md: no install commands found');
  return commands;
}
