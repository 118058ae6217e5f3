// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { nodeIdOf } from './spread-rows.ts';
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

  function memberStates(on: SpreadLan, owner: string): Record<string, string> {
    const ids = new Map(NAMES.map((name) => [nodeIdOf(name), name]));
    const members = on.node(owner).speaker?.owned.get(VIP)?.set.committed ?? [];
    return Object.fromEntries(members.map(({ id, state }) => [ids.get(id) ?? id, state]));
  }

  for (const killed of ['node-1', 'node-3'] as const)
    it(`EN-40: the speaker of ${killed === 'node-1' ? 'the owner' : 'another node'} is killed: its node keeps its connections and gets no new ones`, () => {
      const on = lan('every-node', NAMES, 0);
      open(on, 600);
      on.kill(killed, 'node-2');
      const owner = killed === 'node-1' ? 'node-2' : 'node-1';
      for (let round = 0; round < 40; round++) {
        on.run(50);
        // Some send all the time, others never before the end.
        for (const one of on.connections.slice(0, 200)) on.send(one);
        open(on, 10);
      }
      expect(memberStates(on, owner)[killed]).to.equal('silent');
      const before = counts(on)[killed];
      open(on, 300);
      expect(counts(on)[killed]).to.equal(before);
      on.run(20_000);
      open(on, 100);
      on.run(1_000);
      expect(brokenOf(on)).to.equal(0);
    });

  it('EN-41: a speaker that was killed comes back: it gets new connections, and none breaks', () => {
    for (const afterMs of [500, 1_000, 3_000, 30_000]) {
      const on = lan('every-node', NAMES, 0);
      open(on, 600);
      on.kill('node-1', 'node-2');
      on.run(afterMs);
      open(on, 200);
      on.start('node-1');
      for (let round = 0; round < 500; round++) {
        on.run(10);
        // Some send all the time, a few less often, the others never.
        for (const one of on.connections.slice(0, round % 10 === 0 ? 200 : 100)) on.send(one);
        if (round % 10 === 0) open(on, 5);
      }
      expect(brokenOf(on), `after ${afterMs} ms`).to.equal(0);
      expect(memberStates(on, 'node-2'), `after ${afterMs} ms`).to.deep.equal({
        ...{ 'node-1': 'serving', 'node-2': 'serving', 'node-3': 'serving' },
      });
    }
  });

  it('EN-41: a speaker that was frozen goes on: it gets new connections, and none breaks', () => {
    for (const [frozen, afterMs] of [
      ['node-1', 1_000],
      ['node-1', 5_000],
      ['node-3', 5_000],
      ['node-3', 30_000],
    ] as const) {
      const on = lan('every-node', NAMES, 0);
      open(on, 600);
      const chat = (rounds: number) => {
        for (let round = 0; round < rounds; round++) {
          on.run(10);
          for (const one of on.connections.slice(0, round % 10 === 0 ? 200 : 100)) on.send(one);
          if (round % 10 === 0) open(on, 3);
        }
      };
      on.freeze(frozen, 'node-2');
      chat(100);
      on.run(afterMs);
      on.thaw(frozen);
      chat(500);
      const what = `${frozen} after ${afterMs} ms`;
      expect(brokenOf(on), what).to.equal(0);
      const owner = frozen === 'node-1' ? 'node-2' : 'node-1';
      expect(Object.values(memberStates(on, owner)), what).to.deep.equal(['serving', 'serving', 'serving']);
    }
  });

  it('EN-42: a silent node that dies is taken out at once, and costs its own connections alone', () => {
    const on = lan('every-node', NAMES, 0);
    open(on, 600);
    on.kill('node-3', 'node-1');
    on.run(5_000);
    open(on, 100);
    on.crash('node-3', 'node-1');
    on.run(3_000);
    expect(memberStates(on, 'node-1')).to.deep.equal({ 'node-1': 'serving', 'node-2': 'serving' });
    open(on, 100);
    expect(brokenOf(on)).to.equal(0);
  });

  it('EN-42: a node whose kernel does not answer either leaves the set before its speaker has been lost for 150 ms', () => {
    const on = lan('every-node', NAMES, 0);
    on.crash('node-3', 'node-1');
    on.run(350);
    expect(memberStates(on, 'node-1')).to.deep.equal({ 'node-1': 'serving', 'node-2': 'serving' });
  });

  it('EN-43: all speakers are killed and come back one after the other: no connection breaks', () => {
    const on = lan('every-node', NAMES, 0);
    open(on, 600);
    let owner = 'node-1';
    for (const name of NAMES) {
      const heir = NAMES.find((one) => one !== name) ?? '';
      if (owner === name) owner = heir;
      on.kill(name, heir);
      on.run(1_500);
      open(on, 100);
      on.start(name);
      on.run(5_000);
      for (const one of on.connections.slice(0, 300)) on.send(one);
    }
    expect(brokenOf(on)).to.equal(0);
    expect(Object.values(memberStates(on, owner))).to.deep.equal(['serving', 'serving', 'serving']);
  });

  for (const how of ['kill', 'freeze'] as const)
    it(`EN-50: the owner of a VIP is lost (${how}), and the others find late who owns it next: no connection breaks`, () => {
      const on = lan('every-node', NAMES, 0);
      open(on, 600);
      on[how]('node-1', 'node-2');
      for (let round = 0; round < 500; round++) {
        on.run(1);
        // Each sends twenty times a second.
        for (const [index, one] of on.connections.entries()) if (index % 50 === round % 50) on.send(one);
      }
      expect(memberStates(on, 'node-2')['node-1']).to.equal('silent');
      expect(brokenOf(on)).to.equal(0);
    });

  it('EN-51: an owner that stood still, and is the owner again before it has heard a set, goes on by its own', () => {
    const on = lan('every-node', NAMES, 0);
    open(on, 600);
    on.freeze('node-1', 'node-2');
    on.run(5_000);
    on.thaw('node-1');
    on.run(20);
    on.kill('node-2', 'node-1');
    for (let round = 0; round < 100; round++) {
      on.run(10);
      for (const one of on.connections.slice(0, 200)) on.send(one);
    }
    for (const one of on.connections) on.send(one);
    // It did not know that others took it for silent: what its own node served may be lost while clients find it.
    const broken = on.connections.filter(({ state, server }) => state === 'broken' && server !== 'node-1');
    expect(broken).to.have.length(0);
  });

  it('EN-29: an owner that gives everything up for a moment, as it was late, goes on by its set', () => {
    const on = lan('every-node', NAMES, 0);
    open(on, 600);
    on.owners.set(VIP, 'nobody');
    for (const name of NAMES) on.tellVips(on.node(name));
    for (let round = 0; round < 30; round++) {
      on.run(50);
      for (const one of on.connections.slice(0, 200)) on.send(one);
    }
    on.move(VIP, 'node-1');
    on.run(3_000);
    expect(brokenOf(on)).to.equal(0);
  });

  it('EN-44: a silent node is forgotten after ten minutes', () => {
    const on = lan('every-node', NAMES, 0);
    on.kill('node-3', 'node-1');
    on.run(590_000);
    expect(memberStates(on, 'node-1')['node-3']).to.equal('silent');
    on.run(15_000);
    expect(memberStates(on, 'node-1')).to.not.have.property('node-3');
  });
});
