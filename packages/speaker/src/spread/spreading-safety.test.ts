// SPDX-License-Identifier: Apache-2.0
import { nodeIdOf } from '@berth/core';
import { FakeClock, RecordingLog } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip } from '../testing.ts';
import { Spreading } from './spreading.ts';
import {
  FakeTable,
  membershipOf,
  NO_CONNTRACK,
  optionsOf,
  type Played,
  pass,
  play,
  SERVICE,
  segmentOf,
  VIP,
} from './testing/spread-cable.ts';

/** Ids of the members that take new flows, by the owner. */
function servingBy(all: ReadonlyMap<string, Played>): readonly number[] {
  const set = all.get('edge-1')?.spreading.segments[0]?.state.owned.get(VIP)?.set;
  return (set?.committed ?? []).filter(({ state }) => state === 'serving').map(({ id }) => id);
}

/** What the owner tells people. */
function saidBy(all: ReadonlyMap<string, Played>) {
  const served = [{ vip: ip(VIP), services: ['shop/web'], interfaces: ['eth0'] }] as const;
  return all.get('edge-1')?.spreading.facts.serving(served)[0];
}

const ALONE = [nodeIdOf('edge-1')];

function spreadings(all: ReadonlyMap<string, Played>): Spreading[] {
  return [...all.values()].map(({ spreading }) => spreading);
}

describe('Spreading, when something is wrong', () => {
  it('EN-20: does nothing at all while no VIP asks for it', async () => {
    const clock = new FakeClock();
    let looks = 0;
    const spreading = new Spreading(
      optionsOf(clock, {
        serviceOf: () => ({ ...SERVICE, metadata: { ...SERVICE.metadata, annotations: {} } }),
        segments: () => {
          looks++;
          return [];
        },
      }),
    );
    spreading.start();
    await pass(clock, 5_000);
    spreading.changed();
    expect(looks).to.equal(0);
  });

  for (const state of ['gone', 'behind'] as const)
    it(`EN-21: attaches a program again that is ${state}`, async () => {
      const clock = new FakeClock();
      const all = play(clock);
      await pass(clock, 4_000);
      const { table } = all.get('edge-2') as Played;
      table.state = state;
      await pass(clock, 1_500);
      expect(table.again).to.deep.equal([4]);
      expect(servingBy(all)).to.have.length(3);
    });

  it('EN-21: does not fight for ever with a program that goes first again', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    const { table } = all.get('edge-2') as Played;
    table.attachAgain = (ifindex) => table.again.push(ifindex);
    table.state = 'behind';
    await pass(clock, 10_000);
    expect(table.again).to.have.length(3);
  });

  it('EN-21: takes no part where it cannot be attached again', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    const { table, spreading } = all.get('edge-2') as Played;
    table.attachAgain = () => {
      throw Object.assign(new Error('tcx: refused'), { code: 'EBUSY' });
    };
    table.state = 'gone';
    await pass(clock, 10_000);
    expect(spreading.facts.obstacle?.what).to.equal('program');
    expect(table.isOpen).to.equal(false);
    expect(servingBy(all)).to.deep.equal(ALONE);
  });

  it('EN-22: is served by the owner alone where a node that may own it takes no part, and by all once it does', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    const third = all.get('edge-3') as Played;
    third.spreading.stop();
    await pass(clock, 10_000);
    const first = all.get('edge-1')?.spreading.segments[0];
    expect(servingBy(all)).to.deep.equal(ALONE);
    expect(first?.lackingFor(VIP)).to.deep.equal(['edge-3']);
    expect(saidBy(all)?.alone).to.deep.equal({ why: 'nodes-without', nodes: ['edge-3'], code: '' });
    third.spreading.start();
    await pass(clock, 5_000);
    expect(first?.lackingFor(VIP)).to.deep.equal([]);
    expect(servingBy(all)).to.have.length(3);
    expect(saidBy(all)?.alone).to.equal(undefined);
    expect(saidBy(all)?.servers.map(({ node, state }) => `${node} ${state}`)).to.deep.equal(
      ['edge-1', 'edge-2', 'edge-3'].map((node) => `${node} serving`),
    );
  });

  it('EN-29: a speaker that was late, and hears nobody for a moment, stays in the set', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    for (const one of all.values()) one.state = { ...one.state, phase: 'active' };
    await pass(clock, 4_000);
    const [first, second] = [all.get('edge-1') as Played, all.get('edge-2') as Played];
    const [before, was] = [first.state, second.state];
    const deaf = before.members.map((one) => (one.node === 'edge-2' ? { ...one, view: new Set<string>() } : one));
    first.state = { ...before, members: deaf };
    second.state = { ...was, phase: 'listening', members: [] };
    await pass(clock, 500);
    expect(servingBy(all)).to.have.length(3);
    expect(second.spreading.segments[0]?.state.peers.size).to.equal(2);
    [first.state, second.state] = [before, was];
    await pass(clock, 3_000);
    expect(servingBy(all)).to.have.length(3);
    // One that hears nobody for longer is out.
    first.state = { ...before, members: deaf };
    await pass(clock, 3_000);
    expect(servingBy(all)).to.have.length(2);
  });

  /** The speaker of edge-3 is lost for the other two. */
  function lose(all: ReadonlyMap<string, Played>): void {
    (all.get('edge-3') as Played).spreading.stop();
    for (const name of ['edge-1', 'edge-2']) {
      const one = all.get(name) as Played;
      one.state = { ...one.state, members: one.state.members.filter(({ node }) => node !== 'edge-3') };
    }
  }

  it('EN-46: a node whose speaker is lost and whose kernel answers is silent: it gets no new flows, and the rows that it had name it', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    lose(all);
    await pass(clock, 1_500);
    expect(servingBy(all)).to.have.members(['edge-1', 'edge-2'].map(nodeIdOf));
    expect(saidBy(all)?.servers.map(({ node, state }) => `${node} ${state}`)).to.deep.equal([
      ...['edge-1 serving', 'edge-2 serving', 'edge-3 silent'],
    ]);
    for (const name of ['edge-1', 'edge-2']) {
      const rows = all.get(name)?.table.contents?.services[0]?.rows;
      const doubted = rows?.fallbacks.filter((number) => number !== 0).length ?? 0;
      expect(doubted / 4_096, name).to.be.within(0.28, 0.39);
    }
  });

  it('EN-46: a node whose kernel does not answer is out at once', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    (all.get('edge-3') as Played).kernel = 'down';
    lose(all);
    await pass(clock, 250);
    expect(saidBy(all)?.servers.map(({ node }) => node)).to.deep.equal(['edge-1', 'edge-2']);
  });

  it('EN-46: a node whose heartbeats are late is asked before it is lost, and a node that is heard never', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    const [first, third] = [all.get('edge-1') as Played, all.get('edge-3') as Played];
    expect(third.asked).to.equal(0);
    const lateMs = clock.now() - 80;
    first.state = {
      ...first.state,
      members: first.state.members.map((one) => (one.node === 'edge-3' ? { ...one, heardMs: lateMs } : one)),
    };
    await pass(clock, 100);
    expect(third.asked).to.be.greaterThan(0);
    expect(servingBy(all)).to.have.length(3);
  });

  it('EN-47: hands the program to the keeper, says whether that is there, and leaves nothing with it where nobody asks any more', async () => {
    const clock = new FakeClock();
    const log = new RecordingLog();
    const table = new FakeTable();
    let service = SERVICE;
    const loop = { state: membershipOf('edge-1'), saySpread: () => {} };
    const segments = [{ segment: segmentOf('edge-1'), loop }];
    const options = {
      log,
      keeperSocket: '/run/berth/keeper.sock',
      openTable: () => Promise.resolve(table),
      segments: () => segments,
    };
    const spreading = new Spreading(optionsOf(clock, { ...options, serviceOf: () => service }));
    spreading.start();
    expect(spreading.facts.keeper).to.equal('none');
    await pass(clock, 2_000);
    expect([table.keeper, spreading.facts.keeper]).to.deep.equal(['/run/berth/keeper.sock', 'kept']);
    table.isKept = false;
    await pass(clock, 2_000);
    expect(spreading.facts.keeper).to.equal('not-kept');
    expect(log.lines.filter((line) => line.includes('the keeper is not there'))).to.have.length(1);
    expect(spreading.facts.obstacle).to.equal(undefined);
    table.isKept = true;
    await pass(clock, 2_000);
    expect(spreading.facts.keeper).to.equal('kept');
    service = { ...SERVICE, metadata: { ...SERVICE.metadata, annotations: {} } };
    spreading.clusterChanged();
    await pass(clock, 30_000);
    expect([table.attached, table.isOpen, spreading.facts.keeper]).to.deep.equal([[], false, 'none']);
  });

  it('EN-47: ends without taking the program off, so that the keeper has it for a moment more', async () => {
    const clock = new FakeClock();
    const table = new FakeTable();
    const loop = { state: membershipOf('edge-1'), saySpread: () => {} };
    const segments = [{ segment: segmentOf('edge-1'), loop }];
    const spreading = new Spreading(
      optionsOf(clock, { openTable: () => Promise.resolve(table), segments: () => segments }),
    );
    spreading.start();
    await pass(clock, 2_000);
    spreading.stop();
    expect([table.attached, table.isOpen]).to.deep.equal([[4], false]);
  });

  it('EN-23: is served by the owner alone where the tables have no room, and by all once there is', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    const { table, spreading } = all.get('edge-1') as Played;
    table.room = 0;
    await pass(clock, 6_000);
    expect(spreading.facts.obstacle?.what).to.equal('room');
    expect(saidBy(all)?.alone?.why).to.equal('room');
    expect(servingBy(all)).to.deep.equal(ALONE);
    table.room = 10;
    await pass(clock, 125_000);
    expect(spreading.facts.obstacle).to.equal(undefined);
    expect(servingBy(all)).to.have.length(3);
  });

  it('EN-23: gets no flows of a VIP that it has no room for from the owner', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    (all.get('edge-2') as Played).table.room = 0;
    await pass(clock, 6_000);
    expect(servingBy(all)).to.have.members(['edge-1', 'edge-3'].map(nodeIdOf));
  });

  it('EN-24: takes no new flows while connection tracking cannot be read', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    const second = all.get('edge-2') as Played;
    let isRefused = true;
    Object.defineProperty(second, 'flows', {
      get: () => {
        if (isRefused) throw Object.assign(new Error('netlink: refused'), { code: 'EPERM' });
        return NO_CONNTRACK;
      },
    });
    (all.get('edge-3') as Played).state = { ...(all.get('edge-3') as Played).state, desired: new Map() };
    await pass(clock, 6_000);
    expect(second.spreading.facts.obstacle?.what).to.equal('conntrack');
    expect(servingBy(all)).to.deep.equal(ALONE);
    isRefused = false;
    await pass(clock, 30_000);
    expect(second.spreading.facts.obstacle).to.equal(undefined);
    expect(servingBy(all)).to.have.members(['edge-1', 'edge-2'].map(nodeIdOf));
  });

  it('EN-24: tells once that connection tracking is nearly full', async () => {
    const clock = new FakeClock();
    const log = new RecordingLog();
    const full = { ...NO_CONNTRACK, total: 95, max: 100 };
    const loop = { state: membershipOf('edge-1'), saySpread: () => {} };
    const segments = [{ segment: segmentOf('edge-1'), loop }];
    const spreading = new Spreading(
      optionsOf(clock, { log, readConntrack: () => Promise.resolve(full), segments: () => segments }),
    );
    spreading.start();
    await pass(clock, 20_000);
    expect(spreading.facts.conntrackFill).to.equal(0.95);
    expect(log.lines.filter((line) => line.includes('nearly full'))).to.have.length(1);
  });

  it('EN-25: nobody asks for it any more: the owner takes new flows, and the program goes once nobody else has any', async () => {
    const clock = new FakeClock();
    const all = play(clock);
    await pass(clock, 4_000);
    for (const one of all.values()) one.service = { ...SERVICE, metadata: { ...SERVICE.metadata, annotations: {} } };
    for (const one of spreadings(all)) one.clusterChanged();
    await pass(clock, 2_000);
    expect(servingBy(all)).to.deep.equal(ALONE);
    expect([...all.values()].every(({ table }) => table.isOpen)).to.equal(true);
    await pass(clock, 30_000);
    expect([...all.values()].some(({ table }) => table.isOpen)).to.equal(false);
  });
});
