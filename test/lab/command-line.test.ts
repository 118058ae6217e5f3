// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { type Command, CommanderError } from 'commander';
import { commandLine, type LabEntry } from './command-line.ts';
import type { LabOptions } from './lab.ts';

/** Stands for the Lab class: notes what it was asked for, and has no lab to attach to. */
class FakeLabs implements LabEntry {
  readonly calls: unknown[][] = [];

  async up({ report: _report, ...options }: LabOptions = {}) {
    this.calls.push(['up', options]);
    return this.#nothing();
  }

  async attach(name?: string) {
    this.calls.push(['attach', name]);
    return this.#nothing();
  }

  async down(name?: string): Promise<void> {
    this.calls.push(['down', name]);
  }

  #nothing(): never {
    throw new Error('fake: no lab');
  }
}

async function callsOf(...argv: string[]): Promise<unknown[][]> {
  const labs = new FakeLabs();
  const program = quiet(commandLine({ write: () => {} }, { write: () => {} }, labs));
  await program.parseAsync(argv, { from: 'user' }).catch((error: Error) => {
    if (error.message !== 'fake: no lab') throw error;
  });
  return labs.calls;
}

/** Errors instead of output and an end of the process. */
function quiet(command: Command): Command {
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  for (const child of command.commands) quiet(child);
  return command;
}

describe('npm run lab', () => {
  const accepted = [
    { argv: ['up'], call: ['up', { name: 'lab' }] },
    { argv: ['up', '--nodes', '5', '--family', 'ipv6'], call: ['up', { name: 'lab', nodes: 5, family: 'ipv6' }] },
    { argv: ['up', '--nodes', '0', '--segments', '2'], call: ['up', { name: 'lab', nodes: 0, segments: 2 }] },
    { argv: ['up', '--node-grace-seconds', '10'], call: ['up', { name: 'lab', nodeGraceSeconds: 10 }] },
    { argv: ['up', '--kubernetes', '1.34'], call: ['up', { name: 'lab', kubernetes: '1.34.4' }] },
    { argv: ['up', '--kube-proxy', 'iptables'], call: ['up', { name: 'lab', kubeProxy: 'iptables' }] },
    { argv: ['up', '--name', 'two'], call: ['up', { name: 'two' }] },
    { argv: ['--name', 'two', 'up'], call: ['up', { name: 'two' }] },
    { argv: ['down', '--name', 'two'], call: ['down', 'two'] },
    { argv: ['env'], call: ['attach', 'lab'] },
    { argv: ['kubectl', '--name', 'two', 'get', 'pods', '--name', 'x', '-A'], call: ['attach', 'two'] },
    { argv: ['exec', 'node-1', '--', 'ip', '-br', 'address'], call: ['attach', 'lab'] },
    { argv: ['cable', 'node-1', 'down'], call: ['attach', 'lab'] },
    { argv: ['freeze', 'node-1'], call: ['attach', 'lab'] },
    { argv: ['kill', 'node-1', 'node'], call: ['attach', 'lab'] },
  ];
  for (const { argv, call } of accepted) {
    it(argv.join(' '), async () => expect(await callsOf(...argv)).to.deep.equal([call]));
  }

  const refused = [
    ['up', '--nodes', 'three'],
    ['up', '--nodes', '-1'],
    ['up', '--nodes', '61'],
    ['up', '--family', 'ipx'],
    ['up', '--segments', '5'],
    ['up', '--kubernetes', '1.12'],
    ['up', '--kube-proxy', 'ipvs'],
    ['cable', 'node-1', 'sideways'],
    ['cable', 'node-1'],
    ['freeze', 'node-1', 'kubelet'],
    ['exec'],
    ['load'],
    ['explode'],
  ];
  for (const argv of refused) {
    it(`refuses ${argv.join(' ')}`, async () => {
      const error = await callsOf(...argv).catch((cause: unknown) => cause);
      expect(error).to.be.instanceOf(CommanderError);
    });
  }
});
