// SPDX-License-Identifier: Apache-2.0

// A speaker answers only for what Berth gave or took over, for no node's own address, and by what the controller
// accepted last.

import { services } from '@berth/kube';
import { expect } from 'chai';
import { factOf, useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';

/** Long enough for every speaker to act on what it watches, several times. */
const WHILE_MS = 4_000;

const POOL =
  '{ apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: { name: elsewhere }, spec: { addresses: [198.51.100.0/28] } }';

/** What a speaker's log says that it began and ended to do for a VIP. */
function servedChangesIn(log: string, vip: string): string[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  const entries = lines.map((line) => JSON.parse(line) as { message: string; vip?: string });
  const served = entries.filter((entry) => entry.vip === vip && /^(announcing|withdrawn)$/.test(entry.message));
  return served.map(({ message }) => message);
}

describe('only what is ours', () => {
  const use = useSpeakers();
  const isSilent = (vip: string) =>
    remains(async () => expect(await use.speakers.answerers(vip)).to.deep.equal([]), WHILE_MS);

  it('OW-01: nobody answers for what another product shows; as soon as Berth says that it gave it, one does', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([], { name: 'foreign' });
    await speakers.show(name, [vip]);
    await isSilent(vip);
    await speakers.show(name, [vip], [factOf([vip], 'acme.example/lb')]);
    await isSilent(vip);
    await speakers.hold(name, vip);
    await speakers.owner(vip);
  });

  it('OW-01: who may only edit Services cannot write the fact, neither with a new Service nor into an old one', async () => {
    const { speakers } = use;
    const { client, namespace } = speakers;
    const vip = speakers.vip();
    const name = await speakers.service([], { name: 'forger' });
    await speakers.show(name, [vip]);
    const forged = { loadBalancer: { ingress: [{ ip: vip }] }, conditions: [factOf([vip])] };
    const fresh = await client.get(services, { namespace, name });
    const { resourceVersion: _, uid: __, ...metadata } = { ...fresh.metadata, name: 'forged' };
    const { clusterIP: ___, clusterIPs: ____, ...spec } = fresh.spec ?? {};
    await client.create(services, { metadata, spec, status: forged });
    await client.replace(services, { ...fresh, status: forged });
    await client.patch(services, { namespace, name }, { type: 'merge', body: { status: forged } });
    for (const each of [name, 'forged'])
      expect((await client.get(services, { namespace, name: each })).status?.conditions ?? []).to.deep.equal([]);
    await isSilent(vip);
  });

  it('OW-01: a Service of a version before the fact goes on without a gap when the fact comes', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([], { name: 'old' });
    const assigned = { type: 'berth.dev/AddressAssigned', reason: 'Assigned', message: `${vip} from pool lan` };
    const dated = { ...assigned, status: 'True' as const, lastTransitionTime: new Date().toISOString() };
    await speakers.show(name, [vip], [dated]);
    const owner = await speakers.owner(vip);
    await speakers.show(name, [vip], [dated, factOf([vip])]);
    await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([owner.name]), WHILE_MS);
    const changes = speakers.hosts.flatMap(({ name: node, log }) =>
      servedChangesIn(log, vip).map((what) => [node, what]),
    );
    expect(changes).to.deep.equal([[owner.name, 'announcing']]);
  });

  it('OW-02: no other node answers for an address of a node, by the Node object', async () => {
    const { speakers } = use;
    const first = speakers.host('edge-1');
    await first.patchNode({ status: { addresses: [{ type: 'InternalIP', address: first.address }] } }, 'status');
    await speakers.service([first.address], { name: 'by-object' });
    await remains(async () => expect(await speakers.answerers(first.address)).to.deep.equal([first.name]), WHILE_MS);
    for (const host of speakers.hosts) expect(await host.announced()).to.deep.equal([]);
  });

  it('OW-02: a node announces no address of its own kernel, though no Node object has it', async () => {
    const { speakers } = use;
    const second = speakers.host('edge-2');
    await second.label({ name: 'edge-2' });
    const nodeSelectors = [{ matchLabels: { name: 'edge-2' } }];
    const policy = { apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name: 'second' } };
    await speakers.pools({ ...policy, spec: { nodeSelectors } });
    const vip = speakers.vip();
    await speakers.service([second.address, vip], { name: 'by-kernel' });
    await speakers.isAnsweredBy(vip, 'edge-2');
    expect(await second.announced()).to.deep.equal([vip]);
  });

  it('OW-03: a speaker that starts obeys what was accepted last, whatever became of what people wrote', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    await speakers.owner(vip);
    for (const host of speakers.hosts) host.signal('SIGKILL');
    await until(() => expect(speakers.hosts.some(({ isRunning }) => isRunning)).to.equal(false));
    await speakers.write('kind: Nonsense');
    await speakers.whole();
    await speakers.owner(vip);
  });

  it('OW-03: without an accepted configuration nothing is announced, and with one everything is', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    await speakers.owner(vip);
    for (const host of speakers.hosts) host.signal('SIGKILL');
    await until(() => expect(speakers.hosts.some(({ isRunning }) => isRunning)).to.equal(false));
    await speakers.forget();
    await speakers.whole();
    await isSilent(vip);
    await speakers.accept(POOL);
    await speakers.owner(vip);
  });
});
