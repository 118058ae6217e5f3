// SPDX-License-Identifier: Apache-2.0

// Objects of MetalLB as the second source of the configuration, on a real API server with CRDs of MetalLB's shape.

import { parseCommandLine, run } from '@berth/cli';
import { METALLB_OBJECTS_KEY } from '@berth/core';
import { deployments, isKubeError, metallbAdvertisements, metallbPools } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { sharedCluster } from '../support/cluster.ts';
import { type Rig, useRig } from '../support/rig.ts';
import { remains, until } from '../support/until.ts';

const CRDS = 'test/support/metallb-crds.yaml';
const OURS = 'berth.dev/ip-allocated-from-pool';
const METALLB = 'metallb.io/ip-allocated-from-pool';

describe('objects of MetalLB', () => {
  const use = useRig();
  /** Stands in for metallb-system. */
  let place: string;

  before(async () => {
    const { lab } = await sharedCluster();
    await lab.kubectl(['delete', '-f', CRDS, '--ignore-not-found']);
  });

  beforeEach(async () => {
    place = await use.rig.namespace();
  });

  after(async () => {
    const { lab } = await sharedCluster();
    await lab.kubectl(['delete', '-f', CRDS, '--ignore-not-found']);
  });

  const start = (rig: Rig) => rig.start({ metallbNamespace: place });

  it('MB-02: without CRDs one question is asked, and without any configuration nothing is written', async () => {
    const { rig } = use;
    const { observed } = await start(rig);
    await rig.service('web');
    await remains(() => expect(observed.writes('Service')).to.deep.equal([]), 2_000);
    const kinds = ['IPAddressPool', 'L2Advertisement', 'Deployment'];
    expect(observed.calls.filter(({ kind }) => kinds.includes(kind)).map(({ verb }) => verb)).to.deep.equal(['list']);
  });

  describe('with their CRDs', () => {
    before(async () => {
      await applyCrds();
    });

    const pool = (rig: Rig, name: string, ...addresses: string[]) =>
      until(() => rig.client.create(metallbPools, { metadata: { namespace: place, name }, spec: { addresses } }));
    const policy = (rig: Rig, name: string, spec: object = {}) =>
      until(() => rig.client.create(metallbAdvertisements, { metadata: { namespace: place, name }, spec }));
    const status = async (rig: Rig) => (await rig.configMap('pool-status')).data ?? {};
    const isRefused = (rig: Rig, ...words: string[]) =>
      until(async () => {
        const { config, problems } = await status(rig);
        expect(config, problems).to.equal('Invalid');
        for (const word of words) expect(problems).to.include(word);
      });

    it('MB-01, MB-07, MB-08: they give addresses without a ConfigMap; last good has them, and the pool is named as MetalLB does', async () => {
      const { rig } = use;
      await pool(rig, 'lan', '203.0.113.40-203.0.113.41');
      await policy(rig, 'all', { ipAddressPools: ['lan'] });
      await start(rig);
      await rig.service('web');
      const web = await rig.has('web', '203.0.113.40');
      expect(web.metadata.annotations).to.include({ [OURS]: 'lan', [METALLB]: 'lan' });
      const accepted = await until(async () => (await rig.configMap('last-good-pools')).data ?? {});
      expect(Object.keys(accepted)).to.deep.equal([METALLB_OBJECTS_KEY]);
      expect(accepted[METALLB_OBJECTS_KEY]).to.include('name: lan').and.include('ipAddressPools');

      const body = { spec: { addresses: ['203.0.113.40-203.0.113.41', '203.0.113.50/32'] } };
      await rig.client.patch(metallbPools, { namespace: place, name: 'lan' }, { type: 'merge', body });
      for (const name of ['b', 'c']) await rig.service(name);
      await rig.has('c', '203.0.113.50');

      await rig.edit('web', { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: null } });
      await until(async () =>
        expect((await rig.get('web')).metadata.annotations ?? {}).to.not.have.any.keys(OURS, METALLB),
      );
    });

    it('MB-07: a stale mark of MetalLB is set right beside ours, and stays on a Service that is left alone', async () => {
      const { rig } = use;
      await rig.pools({ lan: { addresses: ['203.0.113.40/32'] } });
      await start(rig);
      await rig.service('web', { annotations: { [METALLB]: 'gone' } });
      expect((await rig.has('web', '203.0.113.40')).metadata.annotations).to.include({ [METALLB]: 'lan' });
      await rig.service('waits', { annotations: { [METALLB]: 'gone' } });
      await rig.hasReason('waits', 'OutOfAddresses');
      expect((await rig.get('waits')).metadata.annotations).to.include({ [METALLB]: 'gone' });
    });

    it('MB-03: a ConfigMap that contradicts them is refused with both places, and nothing moves', async () => {
      const { rig } = use;
      await pool(rig, 'lan', '203.0.113.40/32');
      await start(rig);
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await rig.pools({ lan: { addresses: ['198.51.100.0/28'] }, edge: { addresses: ['203.0.113.32/28'] } });
      const both = [`pools.yaml:`, `object IPAddressPool ${place}/lan`, 'a second IPAddressPool lan', 'which overlaps'];
      await isRefused(rig, ...both);
      const [told] = await rig.hasEvents(
        'ip-address-pools',
        ['ConfigurationLoaded', 'ConfigurationRefused'],
        rig.system,
      );
      expect(told).to.not.equal(undefined);
      await rig.has('web', '203.0.113.40');
      await rig.pools({ edge: { addresses: ['198.51.100.0/28'] } });
      await until(async () => expect((await status(rig)).config).to.equal('Valid'));
    });

    it('MB-10: explain names the object that a pool is, and preview what must be deleted and what overlaps', async () => {
      const { rig } = use;
      await pool(rig, 'lan', '203.0.113.40/32');
      await start(rig);
      await rig.service('web');
      await rig.has('web', '203.0.113.40');
      await until(async () => expect((await status(rig)).metallb).to.equal('read'));
      const explained = await berth(rig, ['explain', `${rig.shop}/web`]);
      expect(explained.out).to.include(`object ${place}/lan of MetalLB`);
      expect(explained.err).to.equal('');
      const same = await berth(rig, ['preview', 'pools.yaml'], poolFile('lan', '203.0.113.40/32'));
      expect([same.code, same.err]).to.deep.equal([
        ...[
          0,
          `object IPAddressPool ${place}/lan of MetalLB must be deleted: while it is there, this file is refused\n`,
        ],
      ]);
      expect(same.out).to.include('Nothing changes for 1 of 1 Service');
      const other = await berth(rig, ['preview', 'pools.yaml'], poolFile('edge', '203.0.113.32/28'));
      expect([other.code, other.err]).to.deep.equal([
        ...[1, `pools.yaml: IPAddressPool edge overlaps object IPAddressPool ${place}/lan\n`],
      ]);
    });

    it("MB-06: nothing is read while MetalLB's controller is to run", async () => {
      const { rig } = use;
      await pool(rig, 'lan', '203.0.113.40/32');
      const labels = { app: 'metallb', component: 'controller' };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'controller', image: 'metallb' }] } };
      await rig.client.create(deployments, {
        metadata: { namespace: place, name: 'controller', labels },
        spec: { replicas: 1, selector: { matchLabels: labels }, template } as { replicas: number },
      });
      const { observed } = await start(rig);
      await rig.service('web');
      await rig.hasReason('web', 'NoConfiguration');
      expect(observed.writes('ConfigMap').map(({ at }) => at.name)).to.not.include('last-good-pools');
      const body = { spec: { replicas: 0 } };
      await rig.client.patch(deployments, { namespace: place, name: 'controller' }, { type: 'merge', body });
      await rig.has('web', '203.0.113.40');
    });

    it('MB-04, MB-05: CRDs that are deleted strand no Service, also over a restart; documents of the same names replace them', async () => {
      const { rig } = use;
      const names = ['a', 'b', 'c', 'd'];
      for (const [index, name] of names.entries()) await pool(rig, name, `203.0.113.${40 + index}/32`);
      await policy(rig, 'all');
      const running = await start(rig);
      for (const name of names) await rig.service(name, { annotations: { 'metallb.io/address-pool': name } });
      await rig.has('d', '203.0.113.43');
      const before = (await rig.configMap('last-good-pools')).data;
      await rig.cluster.lab.kubectl(['delete', '-f', CRDS]);
      await isRefused(rig, 'IPAddressPool objects', 'L2Advertisement objects', 'the CRDs of MetalLB are gone');
      const stays = async () => {
        expect((await rig.configMap('last-good-pools')).data).to.deep.equal(before);
        for (const [index, name] of names.entries()) await rig.has(name, `203.0.113.${40 + index}`);
      };
      await remains(stays, 2_000);

      await rig.stop(running);
      await start(rig);
      await isRefused(rig, 'the CRDs of MetalLB are gone');
      await stays();
      for (const name of names) await rig.hasReason(name, 'Assigned', 'True');

      const kept = names.map((name, index) => [name, { addresses: [`203.0.113.${40 + index}/32`] }] as const);
      const documents = kept.map(([name, spec]) => ({ kind: 'IPAddressPool', metadata: { name }, spec }));
      const all = [...documents, { kind: 'L2Advertisement', metadata: { name: 'all' }, spec: {} }];
      await rig.poolText(all.map((one) => JSON.stringify({ apiVersion: 'berth.dev/v1', ...one })).join('\n---\n'));
      await until(async () => expect((await status(rig)).config).to.equal('Valid'));
      for (const name of names) await rig.hasReason(name, 'Assigned', 'True');
      await applyCrds();
    });
  });
});

/** Makes the kinds, and waits until the API server serves them. */
async function applyCrds(): Promise<void> {
  const { lab, client } = await sharedCluster();
  await lab.kubectl(['apply', '-f', CRDS]);
  await until(async () => {
    for (const kind of [metallbPools, metallbAdvertisements]) {
      const found = await client.list(kind).catch((error: unknown) => error);
      expect(isKubeError(found, 'not-found')).to.equal(false);
    }
  });
}

/** Runs `kubectl berth ARGS` for the installation of the rig, with one text for whatever file is named. */
async function berth(rig: Rig, args: readonly string[], file = '') {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(parseCommandLine(['--berth-namespace', rig.system, ...args]), {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readFile: async () => file,
    connect: async () => ({ api: rig.client, namespace: rig.shop }),
    clock: systemClock,
  });
  return { code, out: out.join(''), err: err.join('') };
}

function poolFile(name: string, addresses: string): string {
  const document = {
    apiVersion: 'berth.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name },
    spec: { addresses: [addresses] },
  };
  return JSON.stringify(document);
}
