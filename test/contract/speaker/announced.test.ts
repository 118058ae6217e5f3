// SPDX-License-Identifier: Apache-2.0

// What the nodes say of themselves and what becomes of it: real speakers, and a real controller that gives addresses.

import { Controller } from '@berth/controller';
import { decodeNodeState, NODE_STALE_SECONDS, NODE_STATE_ANNOTATION, type NodeState, nodeLeaseName } from '@berth/core';
import { type Condition, KubeClient, kubeconfigAccess, leases, services } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { CLASS, NAMES, type SpeakerLab, useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';

const SILENT = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

describe('what nodes say of themselves', () => {
  const use = useSpeakers();

  it('each node tells whom it hears, what it owns since when and why, and with which key it signs', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const state = await until(async () => {
      const found = await stateOf(speakers, owner.name);
      expect(found.owned.map((one) => String(one.vip))).to.deep.equal([vip]);
      return found;
    });
    expect(state.segments).to.have.length(1);
    expect(state.segments[0]).to.include({ interface: 'eth0', phase: 'active' });
    expect(state.segments[0]?.subnets?.map(String)).to.deep.equal(speakers.lab.plan.lans[0]);
    const others = NAMES.filter((name) => name !== owner.name);
    expect(state.segments[0]?.members).to.deep.equal(others.map((node) => ({ node, hearing: 'both' })));
    expect(state.owned[0]).to.include({ interface: 'eth0', why: 'new' });
    expect(state.keys.signing).to.match(/^[0-9a-f]{8}$/);
    expect(state.keys.newest).to.equal(state.keys.signing);
  });

  it('the last word of a speaker that ends is that it owns nothing; its VIPs are told by others by then', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    await until(async () => expect((await stateOf(speakers, owner.name)).owned).to.have.length(1));
    owner.signal('SIGTERM');
    await until(() => expect(owner.isRunning).to.equal(false));
    expect((await stateOf(speakers, owner.name)).owned).to.deep.equal([]);
    await until(async () => {
      const states = await Promise.all(speakers.others(owner).map(({ name }) => stateOf(speakers, name)));
      expect(states.flatMap(({ owned }) => owned.map((one) => String(one.vip)))).to.deep.equal([vip]);
    });
  });

  it('a node that the API server does not hear goes on, and tells the newest when it is heard again', async () => {
    const { speakers } = use;
    const [first = '', second = ''] = speakers.vips(2);
    await speakers.service([first]);
    const owner = await speakers.owner(first);
    const path = 'jsonpath={.clusters[0].cluster.server}';
    const api = new URL((await speakers.lab.kubectl(['config', 'view', '-o', path])).trim()).hostname;
    owner.run('ip', 'route', 'add', 'blackhole', `${api}/32`);
    const before = await leaseOf(speakers, owner.name);
    await remains(async () => expect(await speakers.answerers(first)).to.deep.equal([owner.name]), 3000);
    owner.run('ip', 'route', 'delete', 'blackhole', `${api}/32`);
    await until(async () => {
      const after = await leaseOf(speakers, owner.name);
      expect(after.spec?.renewTime).to.not.equal(before.spec?.renewTime);
    }, 40_000);
    await speakers.service([second]);
    await speakers.owner(second);
  });
});

describe('who announces a Service', () => {
  const use = useSpeakers();
  let controller: Controller;
  let client: KubeClient;

  beforeEach(async () => {
    const { lab, namespace } = use.speakers;
    client = new KubeClient({
      clock: systemClock,
      access: await kubeconfigAccess(systemClock, lab.kubeconfig),
      userAgent: 'berth-controller',
    });
    controller = new Controller({
      clock: systemClock,
      ...{ api: client, log: SILENT, namespace, identity: 'people' },
      loadBalancerClass: CLASS,
      finalizer: false,
      leaseSeconds: 3,
    });
    controller.start();
    await controller.ready;
  });

  afterEach(async () => {
    await controller.stop();
    client.close();
  });

  it('ST-06: both conditions come soon, and when Announced turns True the address is answered at once', async () => {
    const { speakers } = use;
    const vip = await pool(speakers);
    const name = await request(speakers);
    await until(async () => {
      const conditions = await conditionsOf(speakers, name);
      expect(conditions.get('berth.dev/AddressAssigned')?.status).to.equal('True');
      expect(conditions.get('berth.dev/Announced')?.status).to.equal('True');
    }, 30_000);
    const { exitCode } = await speakers.lab.tryExec('client', ['arping', '-c', '1', '-w', '1', '-I', 'eth0', vip]);
    expect(exitCode, 'the first question is answered').to.equal(0);
  });

  it('ST-07, ST-02: Announced names node and interface, follows a failover, and is False when nobody announces', async () => {
    const { speakers } = use;
    const vip = await pool(speakers);
    const name = await request(speakers);
    const owner = await speakers.owner(vip);
    await until(async () => expect(await announced(speakers, name)).to.match(says('True', vip, owner.name)));
    owner.signal('SIGKILL');
    const next = await until(async () => {
      const found = await speakers.owner(vip);
      expect(found.name).to.not.equal(owner.name);
      return found;
    });
    await until(async () => expect(await announced(speakers, name)).to.match(says('True', vip, next.name)));
    const message = `nodeAssigned: announcing ${vip} from node "${next.name}" on interface "eth0"`;
    await until(async () => expect(await speakers.eventsOf(name)).to.include(message));
    for (const host of speakers.hosts) host.signal('SIGTERM');
    // The word of the one that was killed counts until its Lease is old.
    const oldMs = NODE_STALE_SECONDS * 1000;
    await until(async () => expect(await announced(speakers, name)).to.match(/^False NotHeard/), oldMs + 15_000);
    await until(async () => expect((await speakers.eventsOf(name)).join()).to.include('NotAnnounced'));
  });

  it('ST-03: a policy with an interface that no node has: a Warning, no announcement, and the condition says why', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.pools(poolOf(vip), {
      apiVersion: 'berth.dev/v1',
      kind: 'L2Advertisement',
      metadata: { name: 'elsewhere' },
      spec: { interfaces: ['lan9'] },
    });
    const name = await request(speakers);
    await until(async () => expect(await announced(speakers, name)).to.match(/^False NoInterface/), 30_000);
    await until(async () => expect((await speakers.eventsOf(name)).join()).to.include('announceFailed'));
    expect(await speakers.answerers(vip)).to.deep.equal([]);
  });

  it('ST-07: says that no node has an endpoint where endpoints count, and that a drained cluster has no node', async () => {
    const { speakers } = use;
    await pool(speakers);
    const name = await request(speakers, { externalTrafficPolicy: 'Local' });
    await until(async () => expect(await announced(speakers, name)).to.match(/^False NoEndpoints/), 30_000);
    const drain = (value: 'true' | null) => ({ metadata: { annotations: { 'berth.dev/drain': value } } });
    for (const host of speakers.hosts) await host.patchNode(drain('true'));
    const at = { namespace: speakers.namespace, name };
    const body = { spec: { externalTrafficPolicy: 'Cluster', healthCheckNodePort: null } };
    await speakers.client.patch(services, at, { type: 'merge', body });
    await until(
      async () => expect(await announced(speakers, name)).to.match(/^False NoEligibleNode .*drained/),
      30_000,
    );
    for (const host of speakers.hosts) await host.patchNode(drain(null));
    await until(async () => expect(await announced(speakers, name)).to.match(/^True Announced/), 30_000);
  });

  it('NN-06: all nodes excluded by label: a Warning, and the condition names label and option', async () => {
    const { speakers } = use;
    const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers';
    for (const host of speakers.hosts) await host.label({ [EXCLUDE]: '' });
    const vip = await pool(speakers);
    const name = await request(speakers);
    await until(
      async () => expect(await announced(speakers, name)).to.match(/^False NoEligibleNode .*--exclude-label=ignore/),
      30_000,
    );
    expect(await announced(speakers, name)).to.contain(EXCLUDE);
    await until(async () =>
      expect((await speakers.eventsOf(name)).filter((event) => event.startsWith('announceFailed')).join()).to.contain(
        EXCLUDE,
      ),
    );
    expect(await speakers.answerers(vip)).to.deep.equal([]);
    for (const host of speakers.hosts) await host.label({ [EXCLUDE]: null });
    await until(async () => expect(await announced(speakers, name)).to.match(/^True Announced/), 30_000);
  });

  it('a controller that starts anew writes nothing', async () => {
    const { speakers } = use;
    const vip = await pool(speakers);
    const name = await request(speakers);
    await until(async () => expect(await announced(speakers, name)).to.include(`True Announced ${vip}`));
    const at = { namespace: speakers.namespace, name };
    const before = await speakers.client.get(services, at);
    await controller.stop();
    controller = new Controller({
      clock: systemClock,
      ...{ api: client, log: SILENT, namespace: speakers.namespace, identity: 'successor' },
      ...{ loadBalancerClass: CLASS, finalizer: false, leaseSeconds: 3 },
    });
    controller.start();
    await controller.ready;
    await remains(async () => {
      const { metadata } = await speakers.client.get(services, at);
      expect(metadata.resourceVersion).to.equal(before.metadata.resourceVersion);
    }, 5000);
  });
});

function says(status: string, vip: string, node: string): RegExp {
  return new RegExp(`^${status} Announced ${vip.replaceAll('.', '\\.')} from ${node} on eth0 since 20`);
}

function poolOf(vip: string) {
  return {
    apiVersion: 'berth.dev/v1',
    kind: 'IPAddressPool',
    metadata: { name: 'one' },
    spec: { addresses: [`${vip}/32`] },
  };
}

/** A pool of one address; returns it. */
async function pool(speakers: SpeakerLab): Promise<string> {
  const vip = speakers.vip();
  await speakers.pools(poolOf(vip));
  return vip;
}

async function request(speakers: SpeakerLab, more: object = {}): Promise<string> {
  const { items } = await speakers.client.list(services, { namespace: speakers.namespace });
  const name = `wants-${items.length}`;
  const spec = { type: 'LoadBalancer', loadBalancerClass: CLASS, ports: [{ port: 80, protocol: 'TCP' }] };
  await speakers.client.create(services, {
    metadata: { namespace: speakers.namespace, name },
    spec: { ...spec, allocateLoadBalancerNodePorts: false, ...more },
  });
  return name;
}

async function conditionsOf(speakers: SpeakerLab, name: string): Promise<ReadonlyMap<string, Condition>> {
  const { status } = await speakers.client.get(services, { namespace: speakers.namespace, name });
  return new Map((status?.conditions ?? []).map((condition) => [condition.type, condition]));
}

async function announced(speakers: SpeakerLab, name: string): Promise<string> {
  const condition = (await conditionsOf(speakers, name)).get('berth.dev/Announced');
  return `${condition?.status} ${condition?.reason} ${condition?.message}`;
}

function leaseOf(speakers: SpeakerLab, node: string) {
  return speakers.client.get(leases, { namespace: speakers.namespace, name: nodeLeaseName(node) });
}

async function stateOf(speakers: SpeakerLab, node: string): Promise<NodeState> {
  const lease = await leaseOf(speakers, node);
  const state = decodeNodeState(lease.metadata.annotations?.[NODE_STATE_ANNOTATION] ?? '');
  if (!state.ok) throw new Error(state.reason);
  return state.value;
}
