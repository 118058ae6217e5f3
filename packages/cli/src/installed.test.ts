// SPDX-License-Identifier: Apache-2.0

// What commands say on a cluster without Berth.

import { SAMPLE_MS, sampleCluster, workloadOf } from '@berth/core/testing';
import { KubeError } from '@berth/kube';
import { type FakeApi, fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { parseCommandLine } from './command-line.ts';
import { CommandError } from './environment.ts';
import { run } from './run.ts';
import { daemonSets } from './workloads.ts';

const INSTALL = 'kubectl apply -k manifests/ installs it (docs/install/README.md)';
const ABSENT = `Berth is not installed in namespace berth-system: ${INSTALL}`;

async function apiWithout(): Promise<FakeApi> {
  const api = await fakeApiOf({ ...sampleCluster({ vips: 0 }), leases: [], configMaps: [] });
  api.calls.length = 0;
  return api;
}

/** All that a command line says, with its error. */
async function saidBy(argv: string, api: FakeApi): Promise<string> {
  const said: string[] = [];
  const note = (text: string) => void said.push(text);
  const ended = run(parseCommandLine(argv.split(' ')), {
    ...{ out: note, err: note, readFile: async () => '', clock: new FakeClock(new Date(SAMPLE_MS)) },
    connect: async () => ({ api, namespace: 'shop' }),
  });
  await ended.catch((error: unknown) => {
    expect(error).to.be.instanceOf(CommandError);
    note(`error: ${(error as Error).message}\n`);
  });
  return said.join('');
}

describe('a cluster without Berth', () => {
  const rows = [
    { argv: 'status', says: `CRITICAL: ${ABSENT}\n` },
    { argv: 'vips', says: `${ABSENT}\nno Service has an address\n` },
    { argv: 'history', says: `${ABSENT}\n` },
    ...['move 192.0.2.7 edge-1', 'drain edge-1', 'check', 'rebalance', 'rotate-key'].map((argv) => ({
      argv,
      says: `error: ${ABSENT}\n`,
    })),
  ];
  for (const { argv, says } of rows)
    it(`CL-19: is what ${argv} says, and nothing that follows from it; nothing is written`, async () => {
      const api = await apiWithout();
      expect(await saidBy(argv, api)).to.equal(says);
      expect(api.calls.filter(({ verb }) => verb !== 'list' && verb !== 'get')).to.deep.equal([]);
    });

  it('CL-19: is what pools says before its empty table', async () => {
    expect(await saidBy('pools', await apiWithout())).to.match(/^Berth is not installed .*\nPOOL /);
  });

  it('CL-19: names the namespace that Berth is in instead', async () => {
    const api = await apiWithout();
    await api.create(daemonSets, workloadOf('lb/speaker', {}, { 'app.kubernetes.io/name': 'berth' }));
    expect(await saidBy('status', api)).to.equal(
      'CRITICAL: Berth is not installed in namespace berth-system but in lb: add --berth-namespace lb\n',
    );
  });

  it('CL-19: is not claimed where a workload of Berth is there and has said nothing, nor where they may not be read', async () => {
    const api = await apiWithout();
    const labels = { 'app.kubernetes.io/component': 'speaker' };
    await api.create(daemonSets, workloadOf('berth-system/speaker', {}, labels));
    expect(await saidBy('check', api)).to.equal(
      'error: no speaker reports; kubectl berth doctor says what is missing\n',
    );
    api.before = ({ kind }) => {
      if (kind === 'DaemonSet') throw new KubeError('forbidden', 'no');
    };
    expect(await saidBy('check', api)).to.equal(
      `error: no part of Berth has said anything in namespace berth-system: where it is not installed, ${INSTALL}\n`,
    );
  });
});
