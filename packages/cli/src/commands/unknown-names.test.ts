// SPDX-License-Identifier: Apache-2.0

// What every command that takes a name says to one that is not there.

import { SAMPLE_MS, sampleCluster } from '@berth/core/testing';
import { fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import type { Command } from 'commander';
import { parseCommandLine, programFor } from '../command-line.ts';
import { CommandError } from '../environment.ts';
import { run } from '../run.ts';

/** Arguments that name something of the cluster. */
const NAMES = ['vip', 'node', 'service', 'address', 'about'];

const rows: { argv: string; says: string }[] = [
  { argv: 'move 203.0.113.9 edge-1', says: 'no Service has 203.0.113.9' },
  { argv: 'move 198.18.0.1 edge-9', says: 'there is no node edge-9' },
  { argv: 'drain edge-9', says: 'there is no node edge-9' },
  { argv: 'undrain edge-9', says: 'there is no node edge-9' },
  { argv: 'check 203.0.113.9', says: 'no Service has 203.0.113.9' },
  { argv: 'explain nosuch', says: 'there is no Service shop/nosuch' },
  { argv: 'adopt nosuch', says: 'there is no Service shop/nosuch' },
  { argv: 'renumber nosuch', says: 'there is no Service shop/nosuch' },
  { argv: 'pool release 203.0.113.9', says: '203.0.113.9 is not in quarantine' },
  { argv: 'history nosuch', says: 'there is no Service shop/nosuch and no node nosuch' },
];

/** What a command line ends with on a sample cluster. */
async function errorOf(argv: string) {
  const api = await fakeApiOf(sampleCluster());
  api.calls.length = 0;
  const ended = run(parseCommandLine(argv.split(' ')), {
    ...{ out: () => {}, err: () => {}, readFile: async () => '', clock: new FakeClock(new Date(SAMPLE_MS)) },
    connect: async () => ({ api, namespace: 'shop' }),
  });
  return { api, error: await ended.catch((reason: unknown) => reason) };
}

describe('a name that is not there', () => {
  for (const { argv, says } of rows)
    it(`CL-15: is an error of ${argv}`, async () => {
      const { error, api } = await errorOf(argv);
      expect(error).to.be.instanceOf(CommandError);
      expect(String(error)).to.include(says);
      expect(api.calls.filter(({ verb }) => verb !== 'list' && verb !== 'get')).to.deep.equal([]);
    });

  const meant: { argv: string; says: string }[] = [
    { argv: 'drain 192.0.2.2', says: 'there is no node 192.0.2.2: it is an address of edge-2' },
    { argv: 'drain edge-9', says: 'there is no node edge-9: the nodes are edge-1, edge-2, edge-3' },
    { argv: 'undrain ns-0/s-0', says: 'there is no node ns-0/s-0: the nodes are edge-1, edge-2, edge-3' },
    { argv: 'move 198.18.0.1 s-1', says: 'there is no node s-1: the nodes are edge-1, edge-2, edge-3' },
    { argv: 'move 203.0.113.9 edge-1', says: 'no Service has 203.0.113.9: kubectl berth vips lists the addresses' },
    { argv: 'explain 198.18.0.2', says: 'there is no Service shop/198.18.0.2: it is the address of ns-0/s-1' },
    { argv: 'explain 203.0.113.9', says: 'there is no Service shop/203.0.113.9: it is an address that no Service has' },
    { argv: 'renumber s-1', says: 'there is no Service shop/s-1: there is ns-0/s-1' },
    { argv: 'adopt ns-0/ss-1', says: 'there is no Service ns-0/ss-1: there is ns-0/s-1' },
    { argv: 'explain unheardof', says: 'there is no Service shop/unheardof' },
  ];
  for (const { argv, says } of meant)
    it(`CL-16: says to ${argv} what may be meant`, async () => {
      expect(String((await errorOf(argv)).error)).to.equal(`CommandError: ${says}`);
    });

  const wrong: { argv: string; says: RegExp }[] = [
    {
      argv: 'move web-0 edge-1',
      says: /"web-0" is not an IP address; wanted the address of a Service, as kubectl berth vips/,
    },
    {
      argv: 'check web-0',
      says: /"web-0" is not an IP address; wanted the address of a Service, as kubectl berth vips/,
    },
    {
      argv: 'pool release web',
      says: /"web" is not an IP address; wanted an address in quarantine, as kubectl berth pools/,
    },
    { argv: 'explain a/b/c', says: /Wanted the NAME of a Service, or NAMESPACE\/NAME/ },
  ];
  for (const { argv, says } of wrong)
    it(`CL-16: says to ${argv} what is wanted`, () => {
      const operation = parseCommandLine(argv.split(' '));
      expect(operation.kind === 'usage error' && operation.text).to.match(says);
    });

  it('CL-16: takes the name of a node as kubectl prints it', () => {
    expect(parseCommandLine(['drain', 'node/edge-1'])).to.deep.include({ kind: 'drain', node: 'edge-1' });
    expect(parseCommandLine(['move', '192.0.2.7', 'node/edge-1'])).to.deep.include({ kind: 'move', node: 'edge-1' });
  });

  it('CL-15: is asked of every command that takes one', () => {
    const taking = leavesOf(programFor()).filter(([, command]) =>
      command.registeredArguments.some((argument) => NAMES.includes(argument.name())),
    );
    const asked = new Set(
      taking.map(([name]) => name).filter((name) => rows.some(({ argv }) => argv.startsWith(name))),
    );
    expect([...asked]).to.deep.equal(taking.map(([name]) => name));
    expect(taking.length).to.be.greaterThan(8);
  });
});

function leavesOf(command: Command, path = ''): [name: string, command: Command][] {
  return command.commands.flatMap((one) => {
    const name = `${path}${one.name()}`;
    return one.commands.length === 0 ? [[name, one] as [string, Command]] : leavesOf(one, `${name} `);
  });
}
