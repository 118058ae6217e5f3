// SPDX-License-Identifier: Apache-2.0

// What L2Advertisement documents say about nodes, Services and interfaces: real speakers against a real API server.

import { expect } from 'chai';
import { NAMES, useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';

/** Long enough for every speaker to act on what it watches, several times. */
const WHILE_MS = 3_000;

function policy(name: string, spec: object): object {
  return { apiVersion: 'berth.dev/v1', kind: 'L2Advertisement', metadata: { name }, spec };
}

function onNodes(...names: readonly string[]): object {
  return { nodeSelectors: [{ matchExpressions: [{ key: 'name', operator: 'In', values: names }] }] };
}

function prefer(name: string, weight: number): object {
  return { preferredNodeSelectors: [{ weight, preference: { matchLabels: { name } } }] };
}

describe('policies', () => {
  const use = useSpeakers();

  beforeEach(() => Promise.all(use.speakers.hosts.map((host) => host.label({ name: host.name }))));

  it('EL-15: any matching policy announces a Service, none does not, and nodes of all that match are candidates', async () => {
    const { speakers } = use;
    const [web = '', other = '', both = ''] = speakers.vips(3);
    const selects = (app: string) => ({ serviceSelectors: [{ matchLabels: { [app]: 'yes' } }] });
    await speakers.pools(
      policy('web-1', { ...selects('web'), ...onNodes('edge-1') }),
      policy('web-2', { ...selects('web'), ...onNodes('edge-2') }),
      policy('db', { ...selects('db'), ...onNodes('edge-3') }),
    );
    await speakers.service([web], { labels: { web: 'yes' } });
    await speakers.service([other], { labels: { app: 'other' } });
    await speakers.service([both], { labels: { web: 'yes', db: 'yes' } });
    expect(['edge-1', 'edge-2']).to.include((await speakers.owner(web)).name);
    await speakers.owner(both);
    await speakers.isAnsweredBy(other);
    // Each of the nodes that the policies name together may own it: the one that is left, whichever policy names it.
    for (const name of ['edge-1', 'edge-2']) {
      await speakers.host(name).label({ name: null });
      const left = name === 'edge-1' ? 'edge-2' : 'edge-1';
      await speakers.isAnsweredBy(web, left);
      await speakers.host(name).label({ name });
    }
    for (const name of ['edge-1', 'edge-2']) await speakers.host(name).label({ name: null });
    await speakers.isAnsweredBy(web);
    await speakers.isAnsweredBy(both, 'edge-3');
  });

  it('RC-01: policies and labels apply within seconds: who may not own any more hands over, who may keeps', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.service([vip]);
    const first = await speakers.owner(vip);
    const [second, third] = speakers.others(first);
    if (!second || !third) throw new Error('three hosts');
    await speakers.pools(policy('lan', onNodes(second.name, third.name)));
    await until(async () => expect(await speakers.answerers(vip)).not.to.include(first.name), 10_000);
    const owner = await speakers.owner(vip);
    const keeps = () =>
      remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([owner.name]), WHILE_MS);
    await speakers.pools(policy('lan', { ...onNodes(...NAMES), ...prefer(first.name, 90) }));
    await keeps();
    await speakers.pools(policy('lan', { ...onNodes(...NAMES), ...prefer(first.name, 10), interfaces: ['eth0'] }));
    await keeps();
    await speakers.pools();
    await keeps();
    await speakers.pools(policy('lan', onNodes(...NAMES)));
    await owner.label({ name: 'other' });
    await until(async () => expect(await speakers.answerers(vip)).not.to.include(owner.name), 10_000);
    // The one that is preferred gets what is to be had.
    await speakers.pools(policy('lan', { ...onNodes(...NAMES), ...prefer(first.name, 90) }));
    await speakers.owner(vip);
    const [fresh = ''] = speakers.vips(1);
    await speakers.service([fresh]);
    await speakers.isAnsweredBy(fresh, first.name);
  });

  it('IF-03: answers on the interfaces of the policies that apply, and only there', async () => {
    const { speakers } = use;
    const host = speakers.host('edge-1');
    host.addSegment('lan1');
    try {
      const vip = speakers.vip();
      await speakers.pools(policy('lan', { ...onNodes('edge-1'), interfaces: ['eth0'] }));
      await speakers.service([vip]);
      const isFar = (wanted: boolean) => until(() => expect(host.answersFar(vip)).to.equal(wanted), 20_000);
      await speakers.isAnsweredBy(vip, 'edge-1');
      await isFar(false);
      await speakers.pools(policy('lan', { ...onNodes('edge-1'), interfaces: ['lan1'] }));
      await isFar(true);
      await speakers.isAnsweredBy(vip);
      const one = policy('one', { ...onNodes('edge-1'), interfaces: ['lan1'] });
      await speakers.pools(one, policy('two', { ...onNodes('edge-1'), interfaces: ['eth0'] }));
      await speakers.isAnsweredBy(vip, 'edge-1');
      await isFar(true);
      await speakers.pools(one, policy('all', onNodes('edge-1')));
      await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal(['edge-1']), WHILE_MS);
      await isFar(true);
      await speakers.pools(policy('lan', { interfaces: ['nosuch0'] }));
      await speakers.isAnsweredBy(vip);
      await isFar(false);
      await remains(() => expect(host.answersFar(vip)).to.equal(false), WHILE_MS);
    } finally {
      host.removeSegment();
    }
  });

  it('NN-05: a policy with the second of two cards in one LAN is obeyed, and one card serves the LAN where it names both', async () => {
    const { speakers } = use;
    const host = speakers.host('edge-1');
    host.addCard('eth1');
    try {
      const vip = speakers.vip();
      await speakers.pools(policy('second', { ...onNodes('edge-1'), interfaces: ['eth1'] }));
      await speakers.service([vip]);
      await speakers.isAnsweredBy(vip, host.macOf('eth1'));
      await speakers.pools(policy('first', { ...onNodes('edge-1'), interfaces: ['eth0'] }));
      await speakers.isAnsweredBy(vip, 'edge-1');
      await speakers.pools(policy('any', onNodes('edge-1')));
      await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal(['edge-1']), WHILE_MS);
    } finally {
      host.removeCard('eth1');
    }
  });

  it('IF-05: interfaces are whole names, and a name that a node does not have is skipped there', async () => {
    const { speakers } = use;
    const vip = speakers.vip();
    await speakers.pools(policy('lan', { interfaces: ['eth'] }));
    await speakers.service([vip]);
    await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([]), WHILE_MS);
    await speakers.pools(policy('lan', { interfaces: ['eth', 'nosuch0', 'eth0'] }));
    await speakers.owner(vip);
  });

  it('IF-01: takes no part on an interface that is down, in a bridge, or without ARP', async () => {
    const host = use.speakers.host('edge-2');
    const isUsed = (ifname: string) => host.metric('berth_speaker_interface', `interface="${ifname}"`);
    host.addSegment('lan1');
    const link = (...argv: readonly string[]) => host.run('ip', 'link', ...argv);
    const becomes = (wanted: 1 | undefined) => until(async () => expect(await isUsed('lan1')).to.equal(wanted), 20_000);
    try {
      await becomes(1);
      link('set', 'lan1', 'down');
      await becomes(undefined);
      link('set', 'lan1', 'up');
      await becomes(1);
      link('set', 'lan1', 'arp', 'off');
      await becomes(undefined);
      link('set', 'lan1', 'arp', 'on');
      await becomes(1);
      link('add', 'bridge-1', 'type', 'bridge');
      link('set', 'lan1', 'master', 'bridge-1');
      await becomes(undefined);
      expect(await isUsed('eth0')).to.equal(1);
    } finally {
      host.removeSegment();
    }
    link('delete', 'bridge-1');
  });

  it('EL-17: an address in no subnet is announced with a warning; in overlapping subnets nodes of all are candidates', async () => {
    const { speakers } = use;
    const outside = '198.51.100.77';
    const name = await speakers.service([outside]);
    const owner = await speakers.owner(outside);
    const where = `no subnet of node "${owner.name}" on "eth0"`;
    const warning = `OutsideSubnet: ${outside} is in ${where}: hosts of the LAN reach it only where they have a route for it`;
    await until(async () => expect(await speakers.eventsOf(name)).to.include(warning));
    for (const [index, host] of speakers.hosts.entries())
      host.run('ip', 'address', 'add', `10.88.0.${index + 1}/${index === 0 ? 24 : 16}`, 'dev', 'eth0');
    const overlapping = ['10.88.0.20', '10.88.0.21', '10.88.0.22'];
    const names = await Promise.all(overlapping.map((vip) => speakers.service([vip])));
    const owners = await speakers.owners([outside, ...overlapping]);
    expect(new Set(owners.values())).to.have.length(3);
    for (const each of names) expect((await speakers.eventsOf(each)).join()).not.to.contain('OutsideSubnet');
    for (const [index, host] of speakers.hosts.entries())
      host.run('ip', 'address', 'delete', `10.88.0.${index + 1}/${index === 0 ? 24 : 16}`, 'dev', 'eth0');
  });
});
