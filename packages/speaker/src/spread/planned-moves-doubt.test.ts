// SPDX-License-Identifier: Apache-2.0
/** That planned moves harm nothing: nodes that go, kernels that refuse, very many VIPs, and what people are told. */
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip } from '../testing.ts';
import { Spreading } from './spreading.ts';
import {
  ASKS_NOT,
  flowsFrom,
  loaded,
  move,
  nodeIn,
  onlyUnbroken,
  setBy,
  untilOffered,
} from './testing/planned-play.ts';
import {
  bootIdOf,
  FakeTable,
  membershipOf,
  moveTo,
  NAMES,
  optionsOf,
  pass,
  play,
  segmentOf,
  VIP,
  WANTED,
} from './testing/spread-cable.ts';
import { MOST_MOVING } from './wind-down.ts';

describe('planned moves, in doubt', () => {
  it('MV-21: a node that goes after its speaker ended in order, as in a restart, is counted on no longer', async () => {
    for (const kernel of ['down', 'up', 'silent'] as const) {
      const clock = new FakeClock();
      const all = play(clock, NAMES, ASKS_NOT);
      const [first, second] = [nodeIn(all, 'edge-1'), nodeIn(all, 'edge-2')];
      first.flows = flowsFrom(40_000, 5);
      if (kernel === 'silent') first.kernel = 'down';
      await pass(clock, 1_000);
      await untilOffered(clock, first, 'edge-2');
      moveTo(all, 'edge-2');
      await pass(clock, 2_000);
      first.spreading.stop();
      for (const name of ['edge-2', 'edge-3']) nodeIn(all, name).spreading.left(bootIdOf('edge-1'), 'eth0');
      await pass(clock, 3_000);
      expect(setBy(second), kernel).to.deep.equal(['edge-1 away', 'edge-2 serving']);
      if (kernel === 'down') first.kernel = 'down';
      const questions = first.asked;
      await pass(clock, 10_000);
      // At most once a second from each of the others, also while none is answered.
      if (kernel !== 'down') expect(first.asked - questions, kernel).to.be.at.most(22);
      if (kernel === 'down') expect(loaded(all)).to.deep.equal([false, false, false]);
      else expect(setBy(second), kernel).to.deep.equal(['edge-1 away', 'edge-2 serving']);
      for (const { spreading } of all.values()) spreading.stop();
    }
  });

  it('MV-23: what a kernel refuses is tried again once a minute, and a VIP moves at once meanwhile', async () => {
    const clock = new FakeClock();
    let loads = 0;
    const loop = { state: membershipOf('edge-1'), saySpread: () => undefined };
    const spreading = new Spreading(
      optionsOf(clock, {
        segments: () => [{ segment: segmentOf('edge-1'), loop }],
        serviceOf: () => ASKS_NOT,
        openTable: async () => {
          loads++;
          throw Object.assign(new Error('refused'), { code: 'EPERM' });
        },
      }),
    );
    spreading.start();
    for (let minute = 1; minute <= 3; minute++) {
      expect(spreading.mayOffer(move('edge-2'))).to.equal(false);
      await pass(clock, 50);
      for (let again = 0; again < 100; again++) {
        expect(spreading.mayOffer(move('edge-2'))).to.equal(true);
        await pass(clock, 500);
      }
      expect(loads).to.equal(minute);
      await pass(clock, 15_000);
    }
    spreading.stop();
  });

  it('MV-33: where connections would break a VIP stays, and none is moved for its own good for a minute', async () => {
    const clock = new FakeClock();
    const loop = { state: membershipOf('edge-1'), saySpread: () => undefined };
    let news = 0;
    const spreading = new Spreading(
      optionsOf(clock, {
        segments: () => [{ segment: segmentOf('edge-1'), loop }],
        serviceOf: () => ASKS_NOT,
        onNews: () => {
          news++;
        },
      }),
    );
    spreading.start();
    expect(spreading.facts.keepsConnections).to.equal(true);
    // The next owner takes no part; membership asks for 200 ms in each second.
    for (let second = 0; second < 3; second++)
      for (let tick = 0; tick < 40; tick++) {
        if (tick < 8) expect(spreading.mayOffer(onlyUnbroken('edge-2')), `${second} s`).to.equal(false);
        await pass(clock, 25);
      }
    expect(spreading.facts.keepsConnections).to.equal(false);
    expect(spreading.facts.plannedMoves).to.deep.equal({ kept: 0, plain: 0 });
    const before = news;
    await pass(clock, 61_000);
    expect(spreading.facts.keepsConnections).to.equal(true);
    expect(news).to.be.above(before);
    spreading.stop();
    expect(spreading.mayOffer(onlyUnbroken('edge-2'))).to.equal(false);
  });

  it('MV-33: a next owner that never gets ready is tried ever more seldom, once an hour in the end', async () => {
    const clock = new FakeClock();
    const loop = { state: membershipOf('edge-1'), saySpread: () => undefined };
    let loads = 0;
    const spreading = new Spreading(
      optionsOf(clock, {
        segments: () => [{ segment: segmentOf('edge-1'), loop }],
        serviceOf: () => ASKS_NOT,
        openTable: async () => {
          loads++;
          return new FakeTable();
        },
      }),
    );
    spreading.start();
    // As membership does: for 200 ms in each second while the node says that it keeps connections.
    const attemptsIn = async (seconds: number) => {
      const before = loads;
      for (let second = 0; second < seconds; second++) {
        for (let tick = 0; spreading.facts.keepsConnections && tick < 8; tick++) {
          expect(spreading.mayOffer(onlyUnbroken('edge-2'))).to.equal(false);
          await pass(clock, 25);
        }
        await pass(clock, 1_000);
      }
      return loads - before;
    };
    expect(await attemptsIn(600)).to.be.within(3, 4);
    expect(await attemptsIn(4 * 3600)).to.be.at.most(7);
    expect(await attemptsIn(4 * 3600)).to.be.at.most(5);
    spreading.stop();
  });

  it('MV-33: in doubt a VIP that must go goes, and one that may stay stays', async () => {
    const clock = new FakeClock();
    const plain = new Spreading(optionsOf(clock, { plainMoves: () => ({ why: 'option', code: '' }) }));
    plain.start();
    expect(plain.facts.keepsConnections).to.equal(false);
    expect([plain.mayOffer(move('edge-2')), plain.mayOffer(onlyUnbroken('edge-2'))]).to.deep.equal([true, false]);
    plain.stop();
  });

  it('MV-33: for its own good a VIP moves as others do once all are ready, though it is asked for in bursts', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const first = nodeIn(all, 'edge-1');
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    const asked = async () => {
      for (let tick = 0; tick < 40; tick++) {
        if (tick < 8 && first.spreading.mayOffer(onlyUnbroken('edge-2'))) return true;
        await pass(clock, 25);
      }
      return false;
    };
    const seconds = [await asked(), await asked(), await asked()];
    expect(seconds.indexOf(true)).to.be.within(0, 2);
    expect(first.spreading.facts.keepsConnections).to.equal(true);
    for (const { spreading } of all.values()) spreading.stop();
  });

  it(`MV-24: of very many VIPs that move at once ${MOST_MOVING} wait for the next owner, and the others for nothing`, async () => {
    const clock = new FakeClock();
    const vips = Array.from({ length: MOST_MOVING + 500 }, (_, index) => ip(`198.18.${index >> 8}.${index & 255}`));
    const loop = { state: membershipOf('edge-1'), saySpread: () => undefined };
    const spreading = new Spreading(
      optionsOf(clock, {
        segments: () => [{ segment: segmentOf('edge-1'), loop }],
        serviceOf: () => ASKS_NOT,
        wanted: () => vips.map((vip) => ({ ...WANTED[0], vip })),
      }),
    );
    spreading.start();
    const offered = () => vips.filter((vip) => spreading.mayOffer({ ...move('edge-2'), vip })).length;
    expect(offered()).to.equal(500);
    for (const [waitMs, count] of [
      [700, 500],
      [700, 500],
      [200, vips.length],
    ] as const) {
      await pass(clock, waitMs);
      expect(offered()).to.equal(count);
    }
    spreading.stop();
  });

  it('MV-25: a VIP that is spread for a move alone is reported to no one as served by every node', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const [first, second] = [nodeIn(all, 'edge-1'), nodeIn(all, 'edge-2')];
    const served = [{ vip: ip(VIP), services: ['shop/web'], interfaces: ['eth0'] }] as const;
    const said = () => [first, second].flatMap(({ spreading }) => spreading.facts.serving(served));
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    await untilOffered(clock, first, 'edge-2');
    expect(said()).to.deep.equal([]);
    moveTo(all, 'edge-2');
    await pass(clock, 2_000);
    expect(setBy(second)).to.deep.equal(['edge-1 draining', 'edge-2 serving']);
    expect(said()).to.deep.equal([]);
  });

  it('MV-26: with two nodes the other one gets ready as fast, and one node alone waits for nothing', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES.slice(0, 2), ASKS_NOT);
    const [first, second] = [nodeIn(all, 'edge-1'), nodeIn(all, 'edge-2')];
    for (const one of [first, second])
      one.state = { ...one.state, members: one.state.members.filter(({ node }) => node !== 'edge-3') };
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    expect(await untilOffered(clock, first, 'edge-2')).to.be.below(500);
    expect(second.table).to.be.instanceOf(FakeTable);
    expect(loaded(all)).to.deep.equal([true, true]);
  });

  it('MV-27: an owner that dies while others keep connections is followed as ever: new ones go to the next owner at once', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const [first, second, third] = NAMES.map((name) => nodeIn(all, name));
    if (!first || !second || !third) throw new Error('three nodes');
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    await untilOffered(clock, first, 'edge-2');
    moveTo(all, 'edge-2');
    second.flows = flowsFrom(50_000, 3);
    await pass(clock, 12_000);
    // Its speaker and its kernel are gone, and a third node takes over.
    second.spreading.stop();
    second.kernel = 'down';
    moveTo(all, 'edge-3');
    for (const one of [first, third]) {
      one.state = { ...one.state, members: one.state.members.filter(({ node }) => node !== 'edge-2') };
      one.spreading.changed();
    }
    expect(setBy(third)).to.deep.equal(['edge-1 draining', 'edge-3 serving']);
  });

  it('MV-28: where a filter drops what bears the address of a client, VIPs move as without this, and no one passes on', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const [first, second] = [nodeIn(all, 'edge-1'), nodeIn(all, 'edge-2')];
    for (const one of all.values()) one.isFiltered = true;
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    // Long enough for the others to forget that the owner takes part.
    expect(await untilOffered(clock, first, 'edge-2')).to.be.within(4_800, 5_500);
    moveTo(all, 'edge-2');
    expect(setBy(second).filter((member) => member.includes('edge-1'))).to.deep.equal([]);
    await pass(clock, 10_000);
    expect(loaded(all)).to.deep.equal([false, false, false]);
    moveTo(all, 'edge-1');
    await pass(clock, 1_000);
    expect(await untilOffered(clock, first, 'edge-3')).to.equal(0);
    expect(first.spreading.facts.moves).to.deep.equal({ why: 'filter', code: '' });
    await clock.advance(3_600_000);
    expect(first.spreading.facts.moves).to.equal('kept');
  });

  it('MV-28: trial frames go to owners alone, a few at first and then once a second; no one listens once it knows', async () => {
    const clock = new FakeClock();
    const all = play(clock, NAMES, ASKS_NOT);
    const [first, second, third] = NAMES.map((name) => nodeIn(all, name));
    if (!first || !second || !third) throw new Error('three nodes');
    first.flows = flowsFrom(40_000, 5);
    await pass(clock, 1_000);
    expect([first.trials, second.trials, third.trials]).to.deep.equal([0, 0, 0]);
    await untilOffered(clock, first, 'edge-2');
    await pass(clock, 100);
    expect(first.isListening).to.equal(false);
    moveTo(all, 'edge-2');
    await pass(clock, 10_000);
    expect(first.isListening || second.isListening || third.isListening).to.equal(false);
    const before = third.trials;
    expect(before).to.be.below(60);
    await pass(clock, 10_000);
    expect(third.trials - before).to.be.within(9, 11);
  });
});
