// SPDX-License-Identifier: Apache-2.0

// Which nodes may own a VIP, by what the cluster, people and the node itself say: real speakers against a real API
// server.

import { type EndpointSlice, endpointSlices, isKubeError, nodes, services } from '@berth/kube';
import { expect } from 'chai';
import { useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

const EXCLUDE = 'node.kubernetes.io/exclude-from-external-load-balancers';
const SERVICE_LABEL = 'kubernetes.io/service-name';
/** Long enough for every speaker to act on what it watches, several times. */
const WHILE_MS = 3_000;

type Endpoint = readonly [nodeName: string, conditions?: { readonly ready?: boolean; readonly serving?: boolean }];

describe('eligibility', () => {
  const use = useSpeakers();

  afterEach(async () => {
    const { client, namespace } = use.speakers;
    for (const { metadata } of (await client.list(endpointSlices, { namespace })).items)
      await client.delete(endpointSlices, { namespace, name: metadata.name });
  });

  function sliceOf(service: string, name: string, ...endpoints: readonly Endpoint[]): EndpointSlice {
    return {
      metadata: { namespace: use.speakers.namespace, name, labels: { [SERVICE_LABEL]: service } },
      addressType: 'IPv4',
      ports: [{ port: 80, protocol: 'TCP' }],
      endpoints: endpoints.map(([nodeName, conditions = {}], index) => ({
        ...{ nodeName, conditions },
        addresses: [`10.1.0.${index + 1}`],
      })),
    };
  }

  /** Makes a slice or replaces its endpoints. */
  async function endpoints(service: string, name: string, ...list: readonly Endpoint[]): Promise<void> {
    const { client, namespace } = use.speakers;
    const wanted = sliceOf(service, name, ...list);
    try {
      await client.create(endpointSlices, wanted);
    } catch (error) {
      if (!isKubeError(error, 'already-exists')) throw error;
      const present = await client.get(endpointSlices, { namespace, name });
      await client.replace(endpointSlices, { ...present, ...(wanted.endpoints && { endpoints: wanted.endpoints }) });
    }
  }

  async function policy(name: string, value: 'Local' | 'Cluster'): Promise<void> {
    const { client, namespace } = use.speakers;
    const body = { spec: { externalTrafficPolicy: value } };
    await client.patch(services, { namespace, name }, { type: 'merge', body });
  }

  it('EL-04: without a usable endpoint Cluster is answered, Local is not until one appears', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([vip]);
    await endpoints(name, `${name}-1`, ['edge-2', { ready: false }]);
    const owner = await speakers.owner(vip);
    await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([owner.name]), WHILE_MS);
    await policy(name, 'Local');
    await speakers.isAnsweredBy(vip);
    await endpoints(name, `${name}-1`, ['edge-2', { ready: false, serving: true }]);
    await speakers.isAnsweredBy(vip, 'edge-2');
    await endpoints(name, `${name}-1`, ['edge-3']);
    await speakers.isAnsweredBy(vip, 'edge-3');
  });

  it('EL-05: Cluster: where endpoints are changes nothing, and Services that share an address have one owner', async () => {
    const { speakers } = use;
    const vips = speakers.vips(6);
    const names = await Promise.all(vips.map((vip) => speakers.service([vip])));
    const [shared = ''] = vips;
    await speakers.service([shared], { name: 'shares' });
    for (const name of names) await endpoints(name, `${name}-1`, ['edge-1']);
    const before = await speakers.owners(vips);
    expect(new Set(before.values())).to.have.length(3);
    for (const name of names) await endpoints(name, `${name}-1`, ['edge-3']);
    await remains(async () => expect(await speakers.owners(vips)).to.deep.equal(before), WHILE_MS);
    expect(await speakers.answerers(shared)).to.deep.equal([before.get(shared)]);
  });

  it('EL-06: Local: only nodes with a usable endpoint own, slices are merged, more endpoints give no preference', async () => {
    const { speakers } = use;
    const vips = speakers.vips(4);
    for (const vip of vips) {
      const name = await speakers.service([vip]);
      await endpoints(name, `${name}-1`, ['edge-1'], ['edge-1'], ['edge-1']);
      await endpoints(name, `${name}-2`, ['edge-2'], ['edge-3', { ready: false }]);
      await policy(name, 'Local');
    }
    await until(async () => {
      const owners = [...(await speakers.owners(vips)).values()];
      expect(owners.filter((one) => one === 'edge-1')).to.have.length.greaterThan(0);
      expect(owners).not.to.include('edge-3');
    }, 30_000);
  });

  it('FO-07: endpoints flap and their slices are deleted: it converges each time', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([vip]);
    await policy(name, 'Local');
    for (let flap = 0; flap < 5; flap++) {
      await endpoints(name, `${name}-1`, ['edge-1']);
      await endpoints(name, `${name}-1`, ['edge-1', { ready: false }]);
    }
    await speakers.isAnsweredBy(vip);
    await endpoints(name, `${name}-1`, ['edge-1']);
    await speakers.isAnsweredBy(vip, 'edge-1');
    await speakers.client.delete(endpointSlices, { namespace: speakers.namespace, name: `${name}-1` });
    await speakers.isAnsweredBy(vip);
    await endpoints(name, `${name}-2`, ['edge-2']);
    await speakers.isAnsweredBy(vip, 'edge-2');
  });

  it('EL-08: the exclude label takes a node out, on all nodes nobody answers, and it can be ignored', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const [second, third] = speakers.others(owner);
    if (!second || !third) throw new Error('three hosts');
    await owner.label({ [EXCLUDE]: '' });
    await until(async () => expect(await speakers.answerers(vip)).not.to.include(owner.name), 20_000);
    await speakers.owner(vip);
    for (const [host, value] of [
      [second, 'true'],
      [third, 'yes'],
    ] as const)
      await host.label({ [EXCLUDE]: value });
    await speakers.isAnsweredBy(vip);
    await third.label({ [EXCLUDE]: null });
    await speakers.isAnsweredBy(vip, third.name);
    await third.label({ [EXCLUDE]: 'anything' });
    await speakers.isAnsweredBy(vip);
    await stop(second);
    second.start('--exclude-label=ignore');
    await speakers.isAnsweredBy(vip, second.name);
    // The next test starts it anew, with the rule.
    await stop(second);
    for (const host of speakers.hosts) await host.label({ [EXCLUDE]: null });
  });

  it('EL-10: NetworkUnavailable moves the VIP, and what comes back does not take it back', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const network = (status: 'True' | 'False') =>
      owner.patchNode({ status: { conditions: [{ type: 'NetworkUnavailable', status, ...REASON }] } }, 'status');
    await network('True');
    await until(async () => expect(await speakers.answerers(vip)).not.to.include(owner.name), 20_000);
    const next = await speakers.owner(vip);
    await network('False');
    await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([next.name]), WHILE_MS);
    // Eligible again: it may own what the others may not.
    for (const host of speakers.others(owner)) await host.label({ [EXCLUDE]: '' });
    await speakers.isAnsweredBy(vip, owner.name);
    for (const host of speakers.others(owner)) await host.label({ [EXCLUDE]: null });
  });

  it('drains a node by annotation without touching the others', async () => {
    const { speakers } = use;
    const vips = speakers.vips(6);
    for (const vip of vips) await speakers.service([vip]);
    const before = await speakers.owners(vips);
    const drain = (value: string | null) =>
      speakers.host('edge-2').patchNode({ metadata: { annotations: { 'berth.dev/drain': value } } });
    await drain('true');
    const after = await until(async () => {
      const owners = await speakers.owners(vips);
      expect([...owners.values()]).not.to.include('edge-2');
      return owners;
    }, 20_000);
    for (const [vip, owner] of before) if (owner !== 'edge-2') expect(after.get(vip)).to.equal(owner);
    await drain(null);
    await remains(async () => expect(await speakers.owners(vips)).to.deep.equal(after), WHILE_MS);
  });

  it('EL-13: a Node without a speaker that is heard owns nothing', async () => {
    const { speakers } = use;
    const Ready = { type: 'Ready', status: 'True', ...REASON };
    await speakers.client.create(nodes, { metadata: { name: 'edge-0' } });
    const body = { status: { conditions: [Ready] } };
    await speakers.client.patch(nodes, { name: 'edge-0' }, { type: 'strategic', body }, { subresource: 'status' });
    const vips = speakers.vips(6);
    for (const vip of vips) await speakers.service([vip]);
    await speakers.owners(vips);
    const silent = speakers.host('edge-3');
    silent.signal('SIGKILL');
    await until(() => expect(silent.isRunning).to.equal(false));
    const owners = await speakers.owners(vips);
    expect([...owners.values()]).not.to.include('edge-3');
    await speakers.client.delete(nodes, { name: 'edge-0' });
  });

  it('a node whose kube-proxy is dead hands over to one where it is well', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const owner = await speakers.owner(vip);
    const [well] = speakers.others(owner);
    if (!well) throw new Error('three hosts');
    const code = 'require("node:http").createServer((_, r) => r.end("ok")).listen(10256, "127.0.0.1")';
    const proxy = well.spawn(process.execPath, '-e', code);
    await speakers.isAnsweredBy(vip, well.name).finally(() => proxy.kill('SIGKILL'));
    const logged = well.log.length;
    await until(() => expect(well.log.slice(logged)).to.contain('kube-proxy is not healthy'), 30_000);
    // Now it is as unwell as all others, which is no reason to move anything.
    expect(await speakers.answerers(vip)).to.deep.equal([well.name]);
  });

  async function stop(host: SpeakerHost): Promise<void> {
    host.signal('SIGTERM');
    await until(() => expect(host.isRunning).to.equal(false), 20_000);
  }
});

const REASON = { reason: 'Test', message: '', lastTransitionTime: null, lastHeartbeatTime: null };
