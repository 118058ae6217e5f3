// SPDX-License-Identifier: Apache-2.0
import type { ClusterObjects } from '@berth/core';
import { metallbWorkloads, sampleCluster } from '@berth/core/testing';
import { KubeError } from '@berth/kube';
import { type FakeApi, fakeApiOf } from '@berth/kube/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { daemonSets, deployments } from '../workloads.ts';
import { doctor } from './doctor.ts';

const CLUSTER = {
  ...{ access: {}, requestTimeoutMs: undefined },
  ...{ berthNamespace: 'berth-system', loadBalancerClass: 'berth.dev/l2' },
};

function bare(): ClusterObjects {
  return { ...sampleCluster({ vips: 0 }), leases: [], configMaps: [] };
}

describe('kubectl berth doctor', () => {
  let api: FakeApi;

  async function ask(
    objects: ClusterObjects,
    { file, output = 'text' }: { file?: string; output?: 'text' | 'json' } = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const [out, err]: string[][] = [[], []];
    const clock = new FakeClock();
    const code = await doctor(
      { kind: 'doctor', file: file && 'pools.yaml', output, cluster: CLUSTER },
      {
        out: (text) => out?.push(text),
        err: (text) => err?.push(text),
        readFile: async () => file ?? '',
        connect: async () => ({ api, namespace: 'default' }),
        clock: Object.assign(clock, { date: () => new Date(objects.nowMs) }),
      },
    );
    return { code, out: out?.join('') ?? '', err: err?.join('') ?? '' };
  }

  it('DR-09: ends with 0 where all is well', async () => {
    api = await fakeApiOf(sampleCluster());
    expect(await ask(sampleCluster())).to.deep.equal({ code: 0, out: '', err: 'nothing is wrong\n' });
  });

  it('DR-09: ends with 3 where Berth is not there and nothing stands in its way', async () => {
    api = await fakeApiOf(bare());
    const { code, out, err } = await ask(bare());
    expect([code, err]).to.deep.equal([3, 'nothing is wrong; Berth is not installed in berth-system\n']);
    expect(out).to.equal(
      [
        'INFO: Berth is not installed in namespace berth-system',
        '  why: no Service gets an address from Berth',
        '  do:  kubectl apply -k manifests/',
        '  see: docs/install/README.md',
        '',
        '',
      ].join('\n'),
    );
  });

  it('DR-09: ends with 1 where something stands in its way, the most severe first', async () => {
    api = await fakeApiOf(bare());
    const { daemonSets: sets, deployments: all } = metallbWorkloads();
    for (const one of sets) await api.create(daemonSets, one);
    for (const one of all) await api.create(deployments, one);
    const { code, out, err } = await ask(bare(), { output: 'json' });
    expect([code, err]).to.deep.equal([
      1,
      '1 of 2 findings to be dealt with; Berth is not installed in berth-system\n',
    ]);
    const { findings, isInstalled } = JSON.parse(out) as { findings: { kind: string }[]; isInstalled: boolean };
    expect([isInstalled, findings.map(({ kind }) => kind)]).to.deep.equal([false, ['metallb', 'not-installed']]);
  });

  it('DR-07: judges a file of pools before it is applied, and refuses one that lint refuses', async () => {
    api = await fakeApiOf(bare());
    const pool = (addresses: string) =>
      `apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: { name: lan }\nspec: { addresses: [${addresses}] }\n`;
    const holding = await ask(bare(), { file: pool('192.0.2.0/28') });
    expect([holding.code, holding.out]).to.satisfy(
      ([code, out]: [number, string]) => code === 1 && out.startsWith('WARNING: pool lan holds 192.0.2.1'),
    );
    const refused = await ask(bare(), { file: pool('nonsense') });
    expect(refused.code).to.equal(1);
    expect(refused.err).to.equal('1 error, 0 warnings\n');
  });

  it('DR-10: goes on without what may not be read, and names it; nothing is written', async () => {
    api = await fakeApiOf(sampleCluster());
    api.before = ({ kind, verb }) => {
      expect(['list', 'get']).to.include(verb);
      if (kind === 'Pod' || kind === 'DaemonSet') throw new KubeError('forbidden', `list ${kind}: no`);
      if (kind === 'FelixConfiguration') throw new KubeError('not-found', 'no such kind');
    };
    const { code, out } = await ask(sampleCluster());
    expect(code).to.equal(0);
    expect(out).to.include('INFO: you may not read everything: daemonsets, pods\n');
  });
});
