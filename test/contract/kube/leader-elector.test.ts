// SPDX-License-Identifier: Apache-2.0
import { KubeClient, LeaderElector, leases } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { type Cluster, makeNamespace, restartApiServer, sharedCluster } from '../support/cluster.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { until } from '../support/until.ts';

describe('LeaderElector on a real Lease', () => {
  let cluster: Cluster;
  let namespace: string;
  let candidates: LeaderElector[];
  let proxy: FaultProxy;
  let log: string[];

  before(async () => {
    cluster = await sharedCluster();
  });

  beforeEach(async () => {
    namespace = await makeNamespace(cluster.client);
    proxy = await FaultProxy.start(cluster.access);
    candidates = [];
    log = [];
  });

  afterEach(async () => {
    proxy.refusing = false;
    await Promise.all(candidates.map((candidate) => candidate.stop()));
    await proxy.stop();
  });

  function candidate(identity: string, access = cluster.access): LeaderElector {
    const elector = new LeaderElector({
      clock: systemClock,
      api: new KubeClient({ clock: systemClock, access }),
      lease: { namespace, name: 'controller' },
      identity,
      leaseSeconds: 3,
      lead: async (term) => {
        log.push(`${identity} leads`);
        await new Promise((resolve) => term.addEventListener('abort', resolve));
        log.push(`${identity} stops`);
      },
    });
    candidates.push(elector);
    elector.start();
    return elector;
  }

  const logs = (...wanted: string[]) => until(() => expect(log).to.deep.equal(wanted));
  const holder = async () => (await cluster.client.get(leases, { namespace, name: 'controller' })).spec?.holderIdentity;

  it('lets one lead and hands over at once when it stops', async () => {
    const a = candidate('a');
    await logs('a leads');
    candidate('b');
    await a.stop();
    await logs('a leads', 'a stops', 'b leads');
    expect(await holder()).to.equal('b');
  });

  it('replaces a leader that is cut off, after it has stopped by itself', async () => {
    candidate('a', proxy.access);
    await logs('a leads');
    candidate('b');
    proxy.refusing = true;
    await logs('a leads', 'a stops', 'b leads');
    proxy.refusing = false;
    expect(await holder()).to.equal('b');
  });

  it('keeps its term through a short restart of the API server, or takes it again', async () => {
    const a = candidate('a');
    await logs('a leads');
    await restartApiServer(cluster, 'crash');
    await until(async () => {
      expect(a.isLeader).to.equal(true);
      expect(await holder()).to.equal('a');
    });
  });
});
