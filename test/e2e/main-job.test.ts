// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { hostNamed } from '../lab/address-plan.ts';
import { inUrl } from '../lab/in-url.ts';
import type { Lab } from '../lab/lab.ts';
import { rolledOut } from '../lab/rollout.ts';
import { waitUntil } from '../lab/wait.ts';
import { addressesOf } from '../support/serving.ts';
import { allNodesReady } from '../support/speakers.ts';
import {
  applyObjects,
  curlFromClient,
  externalIpOf,
  waitForAnswer,
  waitForExternalIp,
  waitForOwner,
  webService,
  whoAnswers,
} from '../support/workload.ts';
import { cluster, clusterTimeoutMs, deleteServices } from './cluster.ts';

describe('a Service of type LoadBalancer', () => {
  let lab: Lab;
  let vip: string;

  before(async function bringUp() {
    this.timeout(clusterTimeoutMs);
    lab = await cluster();
    await applyObjects(lab, webService('web'));
    vip = await waitForExternalIp(lab, 'web');
  });

  after(() => deleteServices(lab, 'web'));

  it('gets an address of the pool as its External-IP', async () => {
    expect(lab.plan.pools[0]?.split('-')[0]).to.equal(vip);
    expect(await lab.kubectl(['get', 'service', 'web'])).to.contain(vip);
  });

  it('is answered on the LAN through its address', async () => {
    expect(await waitForAnswer(lab, `http://${vip}/hostname`)).to.match(/^web-/);
  });

  it('AR-06: has exactly one node that answers for it', async () => {
    expect((await waitForOwner(lab, vip)).host).to.match(/^node-/);
  });

  it('has its address on no interface of any host', async () => {
    for (const host of lab.hosts) {
      expect(await lab.exec(host, ['ip', '-o', 'address', 'show']), host).not.to.contain(` ${vip}/`);
    }
  });

  it('ST-06: when Announced turns True, a client can connect at once', async () => {
    await applyObjects(lab, webService('fresh'));
    const announced = '{.status.conditions[?(@.type=="berth.dev/Announced")].status}';
    await waitUntil({
      what: 'Announced to be True',
      timeoutMs: 30_000,
      intervalMs: 50,
      probe: async () =>
        (await lab.kubectl(['get', 'service', 'fresh', '-o', `jsonpath=${announced}`])).trim() === 'True',
    });
    const answer = await curlFromClient(lab, `http://${await externalIpOf(lab, 'fresh')}/hostname`);
    expect(answer).to.match(/^web-/);
    await deleteServices(lab, 'fresh');
  });

  it('DP-04: is served by pods on several nodes', async () => {
    const answers = new Set<string | undefined>();
    await waitUntil({
      what: 'answers of three pods',
      timeoutMs: 30_000,
      probe: async () => answers.add(await curlFromClient(lab, `http://${vip}/hostname`)).size >= 3,
    });
    expect([...answers].every((answer) => answer?.startsWith('web-'))).to.equal(true);
  });

  it('DP-04: is reached by a pod inside the cluster', async () => {
    const url = `http://${vip}/hostname`;
    expect(await lab.kubectl(['exec', 'deployment/web', '--', 'curl', '-sS', '-m', '2', url])).to.match(/^web-/);
  });

  it('DP-04: rejects at once while it has no pods', async () => {
    await lab.kubectl(['scale', 'deployment/web', '--replicas=0']);
    await waitUntil({
      what: 'connects to be refused',
      timeoutMs: 30_000,
      probe: async () => {
        const { exitCode } = await lab.tryExec('client', ['curl', '-sS', '-m', '5', `http://${vip}/hostname`]);
        // curl ends with 7 when a connect is refused, with 28 when it hangs.
        if (exitCode === 28) throw new Error('the connect hangs');
        return exitCode === 7;
      },
    });
    await lab.kubectl(['scale', 'deployment/web', '--replicas=3']);
    await rolledOut(lab, 'deployment/web');
    await waitForAnswer(lab, `http://${vip}/hostname`);
  });

  it('LC-22: lets only loadBalancerSourceRanges through', async () => {
    const [client = ''] = hostNamed(lab.plan, 'client').addresses;
    const rangesOf = (range: string) => applyObjects(lab, webService('web', { loadBalancerSourceRanges: [range] }));
    await rangesOf('192.0.2.0/24');
    await waitUntil({
      what: 'the client to be shut out',
      timeoutMs: 30_000,
      probe: async () => (await curlFromClient(lab, `http://${vip}/hostname`, 1)) === undefined,
    });
    await rangesOf(`${client}/32`);
    expect(await waitForAnswer(lab, `http://${vip}/hostname`)).to.match(/^web-/);
    await applyObjects(lab, webService('web', { loadBalancerSourceRanges: null }));
  });
});

describe('a dual-stack Service', () => {
  it('is answered on the LAN through both of its addresses', async function test() {
    this.timeout(clusterTimeoutMs);
    const lab = await cluster();
    await applyObjects(lab, webService('dual', { ipFamilyPolicy: 'RequireDualStack' }));
    await waitForExternalIp(lab, 'dual');
    const addresses = await addressesOf(lab, 'dual');
    expect(addresses).to.have.length(2);
    for (const address of addresses)
      expect(await waitForAnswer(lab, `http://${inUrl(address)}/hostname`)).to.match(/^web-/);
    await deleteServices(lab, 'dual');
  });
});

describe('a Service with externalTrafficPolicy Local', () => {
  it('is answered by a node with a pod, which sees the address of the client', async function test() {
    this.timeout(clusterTimeoutMs);
    const lab = await cluster();
    await applyObjects(lab, webService('local', { externalTrafficPolicy: 'Local' }));
    const vip = await waitForExternalIp(lab, 'local');
    const [client = ''] = hostNamed(lab.plan, 'client').addresses;
    expect(await waitForAnswer(lab, `http://${vip}/clientip`)).to.match(new RegExp(`^${client}:`));
    const { host: owner } = await waitForOwner(lab, vip);
    const path = '{.items[*].spec.nodeName}';
    const nodes = await lab.kubectl(['get', 'pods', '-l', 'app=web', '-o', `jsonpath=${path}`]);
    expect(nodes.split(' ')).to.include(owner);
    await deleteServices(lab, 'local');
  });
});

describe('a Service that asks for too much', () => {
  let lab: Lab;

  before(async function bringUp() {
    this.timeout(clusterTimeoutMs);
    lab = await cluster();
  });

  it('stays pending and says why when its address is in no pool', async () => {
    await applyObjects(lab, webService('elsewhere', { loadBalancerIP: '192.0.2.77' }));
    await waitUntil({
      what: 'an Event that names the address',
      timeoutMs: 30_000,
      probe: async () => (await lab.kubectl(['describe', 'service', 'elsewhere'])).includes('AllocationFailed'),
    });
    expect(await lab.kubectl(['describe', 'service', 'elsewhere'])).to.contain('192.0.2.77');
    expect(await externalIpOf(lab, 'elsewhere')).to.equal(undefined);
    await deleteServices(lab, 'elsewhere');
  });
});

describe('a Service that goes', () => {
  it('LC-05: is answered by nobody within 5 s, and its address is given to the next', async function test() {
    this.timeout(clusterTimeoutMs);
    const lab = await cluster();
    await applyObjects(lab, webService('first'));
    const vip = await waitForExternalIp(lab, 'first');
    await waitForAnswer(lab, `http://${vip}/hostname`);
    await deleteServices(lab, 'first');
    await waitUntil({
      what: `no one to answer for ${vip}`,
      timeoutMs: 5000,
      probe: async () => (await whoAnswers(lab, vip)).length === 0,
    });
    await applyObjects(lab, webService('second'));
    expect(await waitForExternalIp(lab, 'second')).to.equal(vip);
    await deleteServices(lab, 'second');
  });
});

describe('a node that is lost', () => {
  it('has its VIP answered by another node, and by one only when it is back', async function test() {
    this.timeout(clusterTimeoutMs);
    const lab = await cluster();
    await applyObjects(lab, webService('web'));
    const vip = await waitForExternalIp(lab, 'web');
    await waitForAnswer(lab, `http://${vip}/hostname`);
    const { host: owner } = await waitForOwner(lab, vip);
    await lab.cable(owner, 'down');
    await waitUntil({
      what: `another node than ${owner} to answer`,
      timeoutMs: 60_000,
      probe: async () => (await whoAnswers(lab, vip)).some(({ host }) => host !== owner),
    });
    await waitForAnswer(lab, `http://${vip}/hostname`);

    await lab.cable(owner, 'up');
    await allNodesReady(lab);
    await waitForOwner(lab, vip);
    await waitForAnswer(lab, `http://${vip}/hostname`);
    await deleteServices(lab, 'web');
  });
});
