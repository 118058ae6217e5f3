// SPDX-License-Identifier: Apache-2.0
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip } from '../testing.ts';
import { foreignDataPlane } from './foreign-data-plane.ts';
import { Spreading } from './spreading.ts';
import { ASKS_NOT, flowsFrom, loaded, move, nodeIn, setBy, untilOffered } from './testing/planned-play.ts';
import {
  bootIdOf,
  membershipOf,
  moveTo,
  NAMES,
  NO_CONNTRACK,
  optionsOf,
  type Played,
  pass,
  play,
  segmentOf,
  VIP,
  WANTED,
} from './testing/spread-cable.ts';

describe('planned moves of VIPs that their owner serves alone', () => {
  it('MV-06: the next owner knows all connections of the one before; the program is there only while there are any', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const [first, second] = [nodeIn(all, 'edge-1'), nodeIn(all, 'edge-2')];
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 5_000);
    expect(loaded(all)).to.deep.equal([false, false, false]);
    expect(await untilOffered(clock, first, 'edge-2')).to.be.below(500);
    expect(loaded(all)).to.deep.equal([true, true, true]);
    // Whatever reaches the next owner in its first moment goes to the one before.
    moveTo(all, 'edge-2');
    expect(setBy(second)).to.deep.equal(['edge-1 serving']);
    expect(first.spreading.facts.keeping).to.equal(1);
    await pass(clock, 2_000);
    expect(setBy(second)).to.deep.equal(['edge-1 draining', 'edge-2 serving']);
    for (const one of [second, nodeIn(all, 'edge-3')])
      expect([...one.table.strays].sort()).to.deep.equal([...first.flows.fingerprints].sort());
    expect(first.spreading.facts.plannedMoves).to.deep.equal({ kept: 1, plain: 0 });
    await pass(clock, 60_000);
    expect(loaded(all)).to.deep.equal([true, true, true]);
    expect(first.spreading.facts.keeping).to.equal(1);
    first.flows = NO_CONNTRACK;
    await pass(clock, 25_000);
    expect(loaded(all)).to.deep.equal([false, false, false]);
    expect(first.spreading.facts.keeping).to.equal(0);
  });

  it('MV-19: lists go on with higher versions when the program comes back: others remember what they have of a speaker', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const first = nodeIn(all, 'edge-1');
    const versions = () => {
      const { setsVersion = 0, servesVersion = 0, straysVersion = 0 } = first.spreading.segments[0]?.state ?? {};
      return [setsVersion, servesVersion, straysVersion];
    };
    await untilOffered(clock, first, 'edge-2');
    const before = versions();
    await pass(clock, 15_000);
    expect(loaded(all)).to.deep.equal([false, false, false]);
    await untilOffered(clock, first, 'edge-2');
    expect(Math.min(...versions())).to.be.above(Math.max(...before));
  });

  it('MV-06: a second move knows the connections of both owners before', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const [first, second, third] = NAMES.map((name) => nodeIn(all, name)) as [Played, Played, Played];
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    await untilOffered(clock, first, 'edge-2');
    moveTo(all, 'edge-2');
    second.flows = flowsFrom(50_000, 3);
    // Not before the first move has settled.
    expect(await untilOffered(clock, second, 'edge-3')).to.be.within(1_000, 2_000);
    moveTo(all, 'edge-3');
    await pass(clock, 3_000);
    expect(setBy(third)).to.deep.equal(['edge-1 draining', 'edge-2 draining', 'edge-3 serving']);
    expect(third.table.strays).to.have.length(8);
  });

  it('MV-20: a speaker that starts says what it has of all VIPs, also of those that no owner has named yet', async () => {
    const clock = new FakeClock();
    const asked: string[][] = [];
    const other = '203.0.113.21';
    const service = { ...ASKS_NOT, spec: { ports: [{ port: 80 }] } } as typeof ASKS_NOT;
    const loop = { state: membershipOf('edge-1'), saySpread: () => undefined };
    const spreading = new Spreading(
      optionsOf(clock, {
        segments: () => [{ segment: segmentOf('edge-1'), loop }],
        serviceOf: () => service,
        wanted: () => [...WANTED, { ...WANTED[0], vip: ip(other) }],
        readConntrack: async ({ services }) => {
          asked.push([...new Set(services.map(({ vip }) => String(vip)))].sort());
          return NO_CONNTRACK;
        },
      }),
    );
    spreading.start();
    while (asked.length < 1 && clock.now() < 3_000) {
      spreading.mayOffer(move('edge-2'));
      await pass(clock, 20);
    }
    expect(asked[0]).to.deep.equal([VIP, other]);
  });

  it('MV-07: a next owner that takes no part is waited for once, and the VIP moves as ever', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const first = nodeIn(all, 'edge-1');
    nodeIn(all, 'edge-2').spreading.stop();
    await pass(clock, 1_000);
    expect(await untilOffered(clock, first, 'edge-2')).to.be.within(1_500, 1_600);
    await pass(clock, 5_000);
    expect(await untilOffered(clock, first, 'edge-2')).to.equal(0);
    await pass(clock, 2_000);
    expect(await untilOffered(clock, first, 'edge-3')).to.be.below(500);
    expect(first.spreading.facts.plannedMoves).to.deep.equal({ kept: 1, plain: 2 });
    await pass(clock, 15_000);
    expect(loaded(all)).to.deep.equal([false, false, false]);
  });

  it('MV-07, MV-30: a node that cannot load the program, read its connection tracking or is asked not to hands over at once, and says why', async () => {
    const clock = new FakeClock();
    const loop = { state: membershipOf('edge-1'), saySpread: () => undefined };
    const segments = () => [{ segment: segmentOf('edge-1'), loop }];
    const common = { segments, serviceOf: () => ASKS_NOT };
    const refuse = async () => {
      throw Object.assign(new Error('refused'), { code: 'EPERM' });
    };
    const rows = [
      { name: 'program', code: 'EPERM', options: { openTable: refuse } },
      { name: 'conntrack', code: '', options: { readConntrack: () => Promise.reject(new Error('refused')) } },
      { name: 'option', code: '', options: { plainMoves: () => ({ why: 'option', code: '' }) as const } },
    ];
    for (const { name, code, options } of rows) {
      const spreading = new Spreading(optionsOf(clock, { ...common, ...options }));
      spreading.start();
      await pass(clock, 100);
      spreading.mayOffer(move('edge-2'));
      await pass(clock, 100);
      expect(spreading.mayOffer(move('edge-2')), name).to.equal(true);
      expect(spreading.facts.moves, 'MV-30').to.deep.equal({ why: name, code });
      spreading.stop();
    }
  });

  it('MV-07: Cilium and the eBPF data plane of Calico are known by their interfaces', () => {
    expect(foreignDataPlane(['lo', 'eth0', 'cilium_net', 'cilium_host'])).to.equal('Cilium');
    expect(foreignDataPlane(['lo', 'eth0', 'bpfin.cali'])).to.equal('Calico eBPF');
    expect(foreignDataPlane(['lo', 'eth0', 'cali1234', 'kube-ipvs0', 'cni0'])).to.equal(undefined);
  });

  it('MV-08: an orderly end gets the others ready before it asks them to go first, and then waits for them', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const first = nodeIn(all, 'edge-1');
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    let hasLeft = false;
    void first.spreading.leave().then(() => {
      hasLeft = true;
    });
    expect(first.handedOver).to.equal(false);
    while (!first.handedOver) await pass(clock, 10);
    expect(clock.now()).to.be.below(1_600);
    expect(hasLeft).to.equal(false);
    moveTo(all, 'edge-2');
    await pass(clock, 2_000);
    expect(hasLeft).to.equal(true);
    // Its kernel goes on, and its speaker is not needed for it.
    first.spreading.stop();
    for (const name of ['edge-2', 'edge-3']) nodeIn(all, name).spreading.left(bootIdOf('edge-1'), 'eth0');
    await pass(clock, 30_000);
    expect(setBy(nodeIn(all, 'edge-2'))).to.deep.equal(['edge-1 away', 'edge-2 serving']);
    expect(nodeIn(all, 'edge-3').table.strays).to.have.length(5);
  });

  it('MV-08: an end without others, or without VIPs, waits for nothing', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    await pass(clock, 1_000);
    await nodeIn(all, 'edge-3').spreading.leave();
    const alone = { state: { ...membershipOf('edge-1'), members: [] }, saySpread: () => undefined };
    const segments = () => [{ segment: segmentOf('edge-1'), loop: alone }];
    const one = new Spreading(optionsOf(clock, { segments, serviceOf: () => ASKS_NOT }));
    one.start();
    await one.leave();
    expect(clock.now()).to.equal(1_000);
  });
});
