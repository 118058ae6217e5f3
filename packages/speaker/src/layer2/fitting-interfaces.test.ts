// SPDX-License-Identifier: Apache-2.0
import type { LinkState } from '@berth/link';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, link } from '../testing.ts';
import { FittingInterfaces } from './fitting-interfaces.ts';

const LAN = link(2, 'lan0', {
  addresses: [{ ifindex: 2, address: ip('192.0.2.2'), prefixLength: 24, isTentative: false }],
});

const at = (ifindex: number, text: string) => ({
  ...{ ifindex, address: ip(text), prefixLength: 24, isTentative: false },
});

function world() {
  const clock = new FakeClock();
  const state = { links: [LAN] as LinkState[], news: 0, lists: 0 };
  const interfaces = new FittingInterfaces({
    clock,
    links: () => {
      state.lists += 1;
      return state.links;
    },
    excluded: [/^veth/],
  });
  interfaces.news.subscribe(() => {
    state.news += 1;
  });
  interfaces.changed(new Set(['lan0']));
  return { clock, state, interfaces };
}

describe('FittingInterfaces', () => {
  it('NN-03: looks once a second at most, and has no news, while pods come and go', async () => {
    const { clock, state, interfaces } = world();
    for (let index = 10; index < 70; index += 1) {
      const cable = link(index, `veth${index}`, { addresses: [at(index, 'fe80::1')] });
      state.links = [LAN, cable];
      interfaces.changed(new Set([`veth${index}`]));
    }
    expect(state).to.include({ news: 1, lists: 1 });
    await clock.advance(10_000);
    expect(state).to.include({ news: 1, lists: 2 });
  });

  it('has news of an address of this node on an interface that is left out, within a second', async () => {
    const { clock, state, interfaces } = world();
    state.links = [LAN, link(9, 'veth9', { addresses: [at(9, '192.0.2.77')] })];
    interfaces.changed(new Set(['veth9']));
    await clock.advance(1_000);
    expect(state.news).to.equal(2);
  });

  it('has no news of the VIPs that kube-proxy puts on its own interface (IPVS)', async () => {
    const { state, interfaces } = world();
    state.links = [LAN, link(8, 'kube-ipvs0', { isNoArp: true, addresses: [at(8, '192.0.2.77')] })];
    interfaces.changed(new Set(['kube-ipvs0']));
    expect(state.news).to.equal(1);
  });

  it('NN-03: has no news of an interface that does not fit under whatever name', () => {
    const { state, interfaces } = world();
    state.links = [LAN, link(9, 'podlink9', { masterIndex: 3, masterKind: 'bridge' })];
    interfaces.changed(new Set(['podlink9']));
    expect(state.news).to.equal(1);
  });

  it('NN-03: has no news of an event that changes nothing', () => {
    const { state, interfaces } = world();
    interfaces.changed(new Set(['lan0']));
    expect(state.news).to.equal(1);
  });

  const changes: [name: string, links: LinkState[], names: string[]][] = [
    ['a fitting interface that comes', [LAN, link(3, 'lan1')], ['lan1']],
    ['one that goes', [], ['lan0']],
    ['a cable that is pulled', [{ ...LAN, hasCarrier: false }], ['lan0']],
    ['another address', [{ ...LAN, addresses: [] }], ['lan0']],
    ['a name that is excluded no more', [LAN, link(7, 'lan7')], ['veth7', 'lan7']],
  ];
  for (const [name, links, names] of changes) {
    it(`NN-03: has news of ${name}`, () => {
      const { state, interfaces } = world();
      state.links = links;
      interfaces.changed(new Set(names));
      expect(state.news).to.equal(2);
      expect(interfaces.segments).to.have.lengthOf(links.filter(({ hasCarrier }) => hasCarrier).length);
    });
  }
});
