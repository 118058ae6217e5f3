// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { seeded } from './testing/seeded.ts';
import { SpreadLan } from './testing/spread-lan.ts';

const VIP = '203.0.113.20';

function lan(serve: 'owner' | 'every-node', names: readonly string[], unaware = 0.1): SpreadLan {
  const made = new SpreadLan({ random: seeded(7), loss: 0.02, serve, unaware });
  made.owners.set(VIP, names[0] ?? '');
  for (const name of names) made.start(name);
  made.run(4_000);
  return made;
}

function open(on: SpreadLan, count: number): void {
  for (let opened = 0; opened < count; opened++) on.open(VIP);
}

function counts(on: SpreadLan): Record<string, number> {
  const servers = on.connections.map(({ server }) => server ?? 'nobody');
  return Object.fromEntries(
    [...new Set(servers)].sort().map((name) => [name, servers.filter((one) => one === name).length]),
  );
}

function brokenOf(on: SpreadLan): number {
  for (const one of on.connections) on.send(one);
  return on.connections.filter(({ state }) => state === 'broken').length;
}

const NAMES = ['node-1', 'node-2', 'node-3'] as const;

describe('stepSpread', () => {
  it('EN-08: spreads new connections over all nodes', () => {
    const on = lan('every-node', NAMES);
    open(on, 3_000);
    const shares = Object.values(counts(on));
    expect(shares).to.have.length(3);
    expect(Math.max(...shares)).to.be.at.most(1_150);
    expect(brokenOf(on)).to.equal(0);
  });

  it('EN-09: lets the owner alone serve where the policy says so', () => {
    const on = lan('owner', NAMES);
    open(on, 100);
    expect(counts(on)).to.deep.equal({ 'node-1': 100 });
  });

  for (const serve of ['owner', 'every-node'] as const)
    it(`MV-01: a move breaks no connection, idle or not (${serve})`, () => {
      const on = lan(serve, NAMES);
      open(on, 500);
      on.move(VIP, 'node-2');
      for (let round = 0; round < 40; round++) {
        on.run(100);
        for (const one of on.connections.slice(0, 250)) on.send(one);
        open(on, 5);
      }
      expect(brokenOf(on)).to.equal(0);
      expect(on.node('node-2').commits.map(({ how }) => how)).to.deep.equal(serve === 'owner' ? ['all-told'] : []);
    });

  it('MV-02: after a move new connections go to the new owner', () => {
    const on = lan('owner', NAMES);
    open(on, 50);
    on.move(VIP, 'node-3');
    on.run(2_000);
    open(on, 70);
    expect(counts(on)).to.deep.equal({ 'node-1': 50, 'node-3': 70 });
  });

  it('EN-10: a node that joins gets new connections, and breaks no old ones', () => {
    const on = lan('every-node', NAMES);
    open(on, 500);
    on.start('node-4');
    on.run(4_000);
    expect(brokenOf(on)).to.equal(0);
    open(on, 1_000);
    expect(counts(on)['node-4']).to.be.within(180, 320);
    expect(on.node('node-1').commits.at(-1)?.how).to.equal('all-told');
  });

  it('EN-11: a node that takes no new connections keeps its old ones, and leaves the set once they have ended', () => {
    const on = lan('every-node', NAMES);
    open(on, 500);
    on.setWeight('node-3', 0);
    on.run(3_000);
    const before = counts(on)['node-3'] ?? 0;
    open(on, 300);
    expect(counts(on)['node-3']).to.equal(before);
    expect(brokenOf(on)).to.equal(0);
    const membersOf = () =>
      on
        .node('node-1')
        .speaker?.owned.get(VIP)
        ?.set.committed.map(({ state }) => state)
        .sort();
    expect(membersOf()).to.deep.equal(['draining', 'serving', 'serving']);
    for (const one of on.node('node-3').flows.values()) on.connections.splice(on.connections.indexOf(one), 1);
    on.node('node-3').flows.clear();
    on.run(12_000);
    expect(membersOf()).to.deep.equal(['serving', 'serving']);
  });

  it('MV-03: a speaker that is restarted in order breaks no connection, its own included', () => {
    const on = lan('every-node', NAMES, 0);
    open(on, 500);
    on.end('node-1', 'node-2');
    on.run(6_000);
    expect(on.node('node-1').speaker, 'has ended').to.equal(undefined);
    expect(brokenOf(on)).to.equal(0);
    on.start('node-1');
    on.run(6_000);
    expect(brokenOf(on)).to.equal(0);
    const states = on
      .node('node-2')
      .speaker?.owned.get(VIP)
      ?.set.committed.map(({ state }) => state);
    expect(states).to.deep.equal(['serving', 'serving', 'serving']);
  });

  it('EN-12: the death of the owner costs its own connections alone', () => {
    const on = lan('every-node', NAMES);
    open(on, 600);
    const own = counts(on)['node-1'];
    on.crash('node-1', 'node-2');
    on.run(3_000);
    expect(brokenOf(on)).to.equal(0);
    expect(on.connections.filter(({ state }) => state === 'died-with-node')).to.have.length(own ?? 0);
    open(on, 100);
    expect(Object.keys(counts(on))).to.deep.equal([...NAMES]);
  });
});
