// SPDX-License-Identifier: Apache-2.0

// The real controller and three real speakers on one LAN: who owns what when many Services come at once.

import { type Namespace, namespaces, nodes, services } from '@berth/kube';
import { expect } from 'chai';
import { buildAddon } from '../../../packages/link/build.ts';
import { SpeakerHost } from '../speaker/speaker-host.ts';
import { makeNamespace } from '../support/cluster.ts';
import type { ObservedApi } from '../support/observed-api.ts';
import { ipsOf, useRig } from '../support/rig.ts';
import { remains, until } from '../support/until.ts';

const CLASS = 'example.com/owners';
const NAMES = ['many-1', 'many-2', 'many-3'];
const SERVICES = 1_500;
const PARALLEL_CALLS = 8;

/** Slow enough for a machine that is busy with everything else. */
const PACE = ['--heartbeat-ms=200', '--dead-after-ms=6000'];

describe('owners of many addresses', () => {
  const use = useRig();
  const hosts: SpeakerHost[] = [];
  let crowd: Namespace['metadata'];

  before(() => {
    buildAddon();
  });

  beforeEach(async () => {
    const { lab, client } = use.rig.cluster;
    crowd = { name: await makeNamespace(client) };
    const argv = [`--namespace=${use.rig.system}`, `--load-balancer-class=${CLASS}`, ...PACE];
    for (const [index, name] of NAMES.entries())
      hosts.push(new SpeakerHost({ lab, client, name, number: 111 + index, argv }));
    await Promise.all(hosts.map((host) => host.up()));
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') for (const host of hosts) console.log(host.name, host.log.slice(-4_000));
    for (const host of hosts.splice(0)) host.down();
    for (const name of NAMES) await use.rig.client.delete(nodes, { name });
    // Deleting thousands takes the API server longer than the test; it goes on by itself.
    await use.rig.client.delete(namespaces, crowd);
  });

  async function makeServices(): Promise<void> {
    const left = Array.from({ length: SERVICES }, (_, n) => `s-${n}`);
    const options = { namespace: crowd.name, spec: { ipFamilyPolicy: 'RequireDualStack', loadBalancerClass: CLASS } };
    const work = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) await use.rig.service(name, options);
    };
    await Promise.all(Array.from({ length: PARALLEL_CALLS }, work));
  }

  /** Waits until a controller has told all there is to tell: no Service was written for a while. */
  async function settled(observed: ObservedApi): Promise<void> {
    let before = -1;
    await until(
      () => {
        const now = observed.writes('Service').length;
        const isQuiet = now === before;
        before = now;
        expect(isQuiet, `${now} writes`).to.equal(true);
      },
      120_000,
      5_000,
    );
  }

  it('HO-26: 3,000 addresses of 1,500 dual-stack Services: one owner each, loads differ by at most one', async () => {
    const { rig } = use;
    await rig.pools({ lan: { addresses: ['10.240.0.0/16', '2001:db8:5::/64'] } });
    const running = await rig.start({ finalizer: false, loadBalancerClass: CLASS });
    await makeServices();
    const given = await until(
      async () => {
        const all = (await rig.client.list(services, { namespace: crowd.name })).items.flatMap(ipsOf);
        expect(new Set(all).size).to.equal(2 * SERVICES);
        return all;
      },
      240_000,
      2_000,
    );
    // All at once, so that fresh load is even: of VIPs that come one after the other each node hears at another time.
    for (const host of hosts) host.start();
    await Promise.all(hosts.map((host) => until(async () => expect(await host.isReady()).to.equal(true), 180_000)));
    const owned = await until(
      async () => {
        const perNode = await Promise.all(hosts.map((host) => host.announced()));
        expect(perNode.flat().length, perNode.map((addresses) => addresses.length).join()).to.equal(2 * SERVICES);
        return perNode;
      },
      240_000,
      2_000,
    );
    expect(owned.flat().sort()).to.deep.equal(given.sort());
    const loads = owned.map((addresses) => addresses.length);
    expect(Math.max(...loads) - Math.min(...loads), `loads ${loads}`).to.be.at.most(1);
    await settled(running.observed);
    await rig.stop(running);
    const next = await rig.start({ finalizer: false, loadBalancerClass: CLASS, identity: 'next' });
    await until(() => expect(next.controller.isLeader).to.equal(true), 30_000);
    await remains(() => expect(next.observed.writes('Service')).to.deep.equal([]), 10_000);
  }).timeout(900_000);
});
