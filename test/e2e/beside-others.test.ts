// SPDX-License-Identifier: Apache-2.0

// Berth beside other LoadBalancers, on a whole cluster: remains at the first start, a class that flips while Berth is
// away, two writers.

import { expect } from 'chai';
import { installBerth } from '../lab/berth.ts';
import type { Lab } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { scaleControllers } from '../support/controllers.ts';
import { allNodesReady } from '../support/speakers.ts';
import {
  applyObjects,
  BERTH_NAMESPACE,
  externalIpOf,
  poolsConfigMap,
  waitForAnswer,
  waitForExternalIp,
  webService,
  whoAnswers,
} from '../support/workload.ts';
import { cluster, clusterTimeoutMs, deleteServices } from './cluster.ts';

const OTHER_CLASS = 'acme.example/lb';
const NAMES = ['left-over', 'outside', 'flips', 'fought'];

describe('beside other LoadBalancers', () => {
  let lab: Lab;

  before(async function bringUp() {
    this.timeout(clusterTimeoutMs);
    lab = await cluster();
  });

  afterEach(() => deleteServices(lab, ...NAMES));

  const patchStatus = (name: string, ip: string) => {
    const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } } });
    return lab.kubectl(['patch', 'service', name, '--subresource=status', '--type=merge', '-p', patch]);
  };
  const jsonpath = (path: string, ...what: string[]) => lab.kubectl(['get', ...what, '-o', `jsonpath=${path}`]);
  const reasonOf = (name: string) =>
    jsonpath('{.status.conditions[?(@.type=="berth.dev/AddressAssigned")].reason}', 'service', name);
  const hasReason = (name: string, reason: string) =>
    waitUntil({
      what: `${name} to say ${reason}`,
      timeoutMs: 60_000,
      probe: async () => (await reasonOf(name)) === reason,
      explain: () => lab.kubectl(['describe', 'service', name]),
    });

  it('FA-02, OW-01, OW-02: a first start answers for no address of a node, and leaves what it finds', async function firstStart() {
    this.timeout(clusterTimeoutMs);
    const nodeAddress = await jsonpath('{.status.addresses[?(@.type=="InternalIP")].address}', 'node', 'node-1');
    const [first = ''] = nodeAddress.split(' ');
    // The processes go before their rights: what is refused to them counts as a permission that is missing.
    const processes = ['deployment/controller', 'daemonset/speaker'];
    await lab.kubectl(['delete', '-n', BERTH_NAMESPACE, ...processes, '--cascade=foreground', '--timeout=60s']);
    await lab.kubectl(['delete', '-k', 'manifests/', '--ignore-not-found', '--timeout=120s']);
    try {
      await applyObjects(lab, webService('left-over'), webService('outside'));
      await patchStatus('left-over', first);
      await patchStatus('outside', '192.0.2.99');
    } finally {
      await installBerth(lab);
      await applyObjects(lab, poolsConfigMap(lab.plan.pools));
      await allNodesReady(lab);
    }
    for (const name of ['left-over', 'outside']) await hasReason(name, 'ForeignAddress');
    for (let look = 0; look < 5; look++) {
      expect((await whoAnswers(lab, first)).map(({ host }) => host)).to.deep.equal(['node-1']);
    }
    expect([await externalIpOf(lab, 'left-over'), await externalIpOf(lab, 'outside')]).to.deep.equal([
      first,
      '192.0.2.99',
    ]);
  });

  it('FA-05: a class that flips while Berth is away keeps what the other product gave', async function flip() {
    this.timeout(clusterTimeoutMs);
    await applyObjects(lab, webService('flips'));
    await waitForExternalIp(lab, 'flips');
    await scaleControllers(lab, 0);
    const patch = (spec: object) =>
      lab.kubectl(['patch', 'service', 'flips', '--type=merge', '-p', JSON.stringify({ spec })]);
    await patch({ type: 'ClusterIP' });
    await patch({ type: 'LoadBalancer', loadBalancerClass: OTHER_CLASS });
    await patchStatus('flips', '192.0.2.98');
    await scaleControllers(lab, 2);
    await waitUntil({
      what: 'the conditions of Berth for people to go',
      timeoutMs: 60_000,
      probe: async () =>
        !(await jsonpath('{.status.conditions[*].type}', 'service', 'flips')).includes('berth.dev/AddressAssigned'),
      explain: () => lab.kubectl(['describe', 'service', 'flips']),
    });
    expect(await externalIpOf(lab, 'flips')).to.equal('192.0.2.98');
    // Whoever gave it would take the finalizer away.
    await lab.kubectl(['patch', 'service', 'flips', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  });

  it('FA-07: a second writer is named, and its end is seen', async function fight() {
    this.timeout(clusterTimeoutMs);
    await applyObjects(lab, webService('fought'));
    const vip = await waitForExternalIp(lab, 'fought');
    await waitForAnswer(lab, `http://${vip}/hostname`);
    for (let round = 0; round < 5; round++) await patchStatus('fought', '192.0.2.97');
    await waitUntil({
      what: 'an Event that names the second writer',
      timeoutMs: 60_000,
      probe: async () => (await lab.kubectl(['describe', 'service', 'fought'])).includes('SecondWriter'),
      explain: () => lab.kubectl(['describe', 'service', 'fought']),
    });
    await waitUntil({
      what: 'the address of Berth to come back',
      timeoutMs: 60_000,
      probe: async () => (await externalIpOf(lab, 'fought')) === vip,
    });
    await waitForAnswer(lab, `http://${vip}/hostname`);
  });
});
