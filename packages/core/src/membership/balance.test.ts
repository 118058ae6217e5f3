// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Heartbeat } from '../wire/heartbeat.ts';
import type { Rebalancing } from './state.ts';
import { claimsOf, LoneNode, vipOf } from './testing.ts';

const BOTH = ['edge-1', 'edge-2'];
const NUMBERS = [20, 21, 22, 23];

/** edge-1, which owns four VIPs. */
function loaded(rebalance: Rebalancing): LoneNode {
  const node = new LoneNode({ rebalance });
  node.want(BOTH, ...NUMBERS);
  node.begin();
  expect(node.owned()).to.have.length(4);
  node.give({ type: 'moves', keepConnections: true });
  return node;
}

function offersIn(node: LoneNode): string[] {
  const offers = node.sent().flatMap((body) => body.offers ?? []);
  return [...new Set(offers.map(({ vip }) => String(vip)))];
}

/** edge-2, at work, which breaks no connection either. */
const keeping = (...claims: Parameters<typeof claimsOf>): Partial<Heartbeat> => ({
  ...claimsOf(...claims),
  keepsConnections: true,
});

describe('rebalance', () => {
  it('is off unless it is asked for: a node that returns gets nothing back', () => {
    const node = loaded('off');
    node.pass(30_000, keeping(1));
    expect(offersIn(node)).to.deep.equal([]);
  });

  it('offers one VIP at a time, after a time of calm', () => {
    for (const policy of ['gradual', 'unbroken'] as const) {
      const node = loaded(policy);
      node.pass(9_900, keeping(1));
      expect(offersIn(node)).to.deep.equal([]);
      node.pass(200, keeping(1));
      expect(offersIn(node)).to.have.length(1);
    }
  });

  it('stops when loads differ by one at most', () => {
    for (const policy of ['gradual', 'unbroken'] as const) {
      const node = loaded(policy);
      node.pass(10_100, keeping(1));
      const moved = keeping(2, [20, 2], [21, 2]);
      node.hear(moved);
      node.take();
      node.pass(30_000, moved);
      expect(offersIn(node)).to.deep.equal([]);
    }
  });

  it('is done once on demand, without waiting for calm, whatever the policy is', () => {
    for (const policy of ['off', 'unbroken', 'gradual'] as const) {
      const node = loaded(policy);
      node.pass(100, claimsOf(1));
      node.give({ type: 'rebalance' });
      node.pass(1_100, claimsOf(1));
      expect(offersIn(node)).to.have.length(1);
      const moved = claimsOf(2, [20, 2], [21, 2]);
      node.hear(moved);
      node.pass(3_000, moved);
      expect(node.reports()).to.include('rebalanced');
    }
  });

  it('MV-31: without a broken connection only: where a node does not keep them owners stay, and move once it does', () => {
    for (const breaks of ['owner', 'next'] as const) {
      const node = loaded('unbroken');
      if (breaks === 'owner') node.give({ type: 'moves', keepConnections: false });
      const peer = breaks === 'next' ? claimsOf(1) : keeping(1);
      node.pass(30_000, peer);
      expect(offersIn(node), breaks).to.deep.equal([]);
      node.give({ type: 'moves', keepConnections: true });
      node.pass(11_100, keeping(1));
      expect(offersIn(node), breaks).to.have.length(1);
    }
  });

  it('MV-31: such a move is not worth a broken connection; one that a person asks for is', () => {
    const node = loaded('unbroken');
    node.pass(10_100, keeping(1));
    expect([...node.state.handOvers.values()].map((one) => one.isOnlyUnbroken)).to.deep.equal([true]);
    const ordered = loaded('unbroken');
    ordered.pass(100, keeping(1));
    ordered.give({ type: 'rebalance' });
    ordered.pass(950, keeping(1));
    expect([...ordered.state.handOvers.values()].map((one) => one.isOnlyUnbroken)).to.deep.equal([false]);
  });

  it('MV-32: what a person moved stays until a node, a wish or a policy changes', () => {
    const node = loaded('unbroken');
    const even = keeping(2, [20, 2], [21, 2]);
    node.hear(even);
    node.pass(12_000, even);
    // A person hands the rest over to edge-2.
    const all = keeping(3, [20, 2], [21, 2], [22, 2], [23, 2]);
    node.hear(all);
    expect(node.owned()).to.deep.equal([]);
    // And back again, so that edge-1 has all of them.
    const none = keeping(4);
    for (const number of NUMBERS)
      node.hear({ ...all, offers: [{ to: node.state.self.bootId, vip: vipOf(number), term: 2 }] });
    node.give({ type: 'tick' });
    node.hear(none);
    expect(node.owned()).to.have.length(4);
    node.take();
    node.pass(30_000, none);
    expect(offersIn(node)).to.deep.equal([]);
    // edge-2 is preferred from now on.
    const candidates = BOTH.map((name) => ({
      node: name,
      standing: 'eligible' as const,
      score: name === 'edge-2' ? 1 : 0,
    }));
    node.give({ type: 'desired', vips: NUMBERS.map((number) => ({ vip: vipOf(number), candidates })) });
    node.pass(9_900, none);
    expect(offersIn(node)).to.deep.equal([]);
    node.pass(300, none);
    expect(offersIn(node)).to.deep.equal([String(vipOf(20))]);
  });

  it('MV-32: wishes that change again and again do not put it off', () => {
    const node = loaded('unbroken');
    const even = keeping(2, [20, 2], [21, 2]);
    node.hear(even);
    node.pass(12_000, even);
    for (let second = 0; second < 11; second++) {
      const candidates = BOTH.map((name) => ({
        ...{ node: name, standing: 'eligible' as const },
        score: name === 'edge-2' ? 1 + second : 0,
      }));
      node.give({ type: 'desired', vips: NUMBERS.map((number) => ({ vip: vipOf(number), candidates })) });
      node.pass(1_000, even);
    }
    expect(offersIn(node)).to.deep.equal([String(vipOf(22))]);
  });

  it('MV-33: a node that leaves, or may not own it any more, hands a VIP over though such a move of it is under way', () => {
    for (const why of ['leaving', 'not-eligible'] as const) {
      const node = loaded('unbroken');
      node.pass(10_000, keeping(1));
      while (node.state.handOvers.size === 0) node.pass(25, keeping(1));
      if (why === 'leaving') node.give({ type: 'leave' });
      else node.want(['edge-2'], ...NUMBERS);
      node.give({ type: 'tick' });
      const open = [...node.state.handOvers.values()];
      expect(open.map((one) => `${one.why} ${one.isOnlyUnbroken}`)).to.deep.equal(NUMBERS.map(() => `${why} false`));
    }
  });
});
