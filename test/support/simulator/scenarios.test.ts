// SPDX-License-Identifier: Apache-2.0

// One fault at a time, from the view of a client: how long no one answered, and whether two ever did.

import { expect } from 'chai';
import type { SimulatedNode } from './simulated-node.ts';
import { Simulation, type SimulationOptions, vipOf } from './simulation.ts';

const VIP = String(vipOf(0));

/** A segment whose speakers have settled, and which has been calm for long enough to judge processes alone. */
function settled(options: Partial<SimulationOptions> = {}): Simulation {
  const simulation = new Simulation({ nodes: 3, vips: 6, seed: 7, transport: 'bytes', ...options });
  simulation.startAll();
  simulation.run(1000);
  expect(simulation.unsettled()).to.deep.equal([]);
  return simulation;
}

function ownerOf(simulation: Simulation, vip = VIP): SimulatedNode {
  const [owner] = simulation.answering(vip);
  if (owner === undefined) throw new Error(`${vip}: no one answers`);
  return owner;
}

/** Longest time without an answer for any of the VIPs, in milliseconds, watched for a while. */
function longestGap(simulation: Simulation, watchMs: number, vips: readonly string[] = [VIP]): number {
  const silentMs = new Map(vips.map((vip) => [vip, 0]));
  let longest = 0;
  for (let passed = 0; passed < watchMs; passed++) {
    simulation.run(1);
    for (const vip of vips) {
      const silent = simulation.answering(vip).length === 0 ? (silentMs.get(vip) ?? 0) + 1 : 0;
      silentMs.set(vip, silent);
      longest = Math.max(longest, silent);
    }
  }
  return longest;
}

function allVips(simulation: Simulation): string[] {
  return [...simulation.desired.keys()];
}

function ownership(simulation: Simulation): string {
  return allVips(simulation)
    .map((vip) => `${vip} ${simulation.ownersOf(vip).join('+')}`)
    .join('; ');
}

describe('simulated segment', () => {
  it('spreads VIPs evenly over nodes that start together', () => {
    expect(settled({ vips: 7 }).loads().sort()).to.deep.equal([2, 2, 3]);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`bridges a crash within 220 ms (seed ${seed})`, () => {
      const simulation = settled({ seed });
      ownerOf(simulation).kill();
      expect(longestGap(simulation, 600)).to.be.within(100, 220);
      expect(simulation.violations).to.deep.equal([]);
    });

    it(`HI-01: tells of a crash whose VIP it was, and no less than the time without an answer (seed ${seed})`, () => {
      const simulation = settled({ seed });
      const owner = ownerOf(simulation);
      simulation.successions.length = 0;
      owner.kill();
      const gapMs = longestGap(simulation, 600);
      const told = simulation.successions.filter(({ vip }) => vip === VIP);
      expect(told.map(({ from, cause }) => [from, cause])).to.deep.equal([[owner.name, 'silent']]);
      // It may have died just before its next heartbeat.
      expect(told[0]?.unansweredMs).to.be.within(gapMs - 2, gapMs + 30);
    });

    it(`HI-01: tells of a stopped process no less than the time without an answer (seed ${seed})`, () => {
      const simulation = settled({ seed });
      const owner = ownerOf(simulation);
      simulation.successions.length = 0;
      owner.halt('paused');
      const gapMs = longestGap(simulation, 600);
      const told = simulation.successions.filter(({ vip }) => vip === VIP);
      expect(told.map(({ from, cause }) => [from, cause])).to.deep.equal([[owner.name, 'silent']]);
      // The kernel answers until the fence ends it, 150 ms after the last heartbeat.
      expect(told[0]?.unansweredMs).to.be.within(gapMs, gapMs + 180);
    });

    it(`bridges a crash within 85 ms with the tuned setting (seed ${seed})`, () => {
      const simulation = settled({ seed, timing: { intervalMs: 10, deadAfterMs: 70 } });
      ownerOf(simulation).kill();
      expect(longestGap(simulation, 600)).to.be.within(20, 85);
    });
  }

  it('moves only the VIPs of the node that crashed, and nothing when it is back', () => {
    const simulation = settled({ vips: 12 });
    const crashed = ownerOf(simulation);
    const others = allVips(simulation).filter((vip) => ownerOf(simulation, vip) !== crashed);
    const before = others.map((vip) => ownerOf(simulation, vip).name);
    crashed.kill();
    simulation.run(500);
    expect(others.map((vip) => ownerOf(simulation, vip).name)).to.deep.equal(before);
    expect(simulation.loads().sort()).to.deep.equal([0, 6, 6]);
    const after = ownership(simulation);
    crashed.start();
    simulation.run(2000);
    expect(ownership(simulation)).to.equal(after);
  });

  it('lets a frozen process fall silent before a peer takes over, and keeps it silent when it wakes', () => {
    const simulation = settled();
    simulation.run(3000);
    const frozen = ownerOf(simulation);
    frozen.halt('paused');
    expect(longestGap(simulation, 1000)).to.be.at.most(80);
    expect(simulation.answering(VIP)).not.to.include(frozen);
    simulation.run(60_000);
    frozen.resume();
    const after = ownership(simulation);
    expect(longestGap(simulation, 1000)).to.equal(0);
    expect(ownership(simulation)).to.equal(after);
    expect(simulation.violations).to.deep.equal([]);
  });

  it('does not take a pause of the deciding process for a death', () => {
    const simulation = settled();
    const before = ownership(simulation);
    for (const node of simulation.nodes) {
      node.halt('hung');
      simulation.run(400);
      node.resume();
      simulation.run(200);
    }
    expect(ownership(simulation)).to.equal(before);
  });

  it('takes over from a process that hangs for good', () => {
    const simulation = settled();
    simulation.run(3000);
    ownerOf(simulation).halt('hung');
    expect(longestGap(simulation, 2000)).to.be.at.most(220);
    expect(simulation.unsettled()).to.deep.equal([]);
    expect(simulation.violations).to.deep.equal([]);
  });

  it('fails over without the API server', () => {
    const simulation = settled();
    for (const node of simulation.nodes) simulation.cutOffApi(node.name, 'cut');
    simulation.run(60_000);
    const before = ownership(simulation);
    simulation.publish();
    simulation.run(100);
    expect(ownership(simulation)).to.equal(before);
    ownerOf(simulation).kill();
    expect(longestGap(simulation, 600)).to.be.at.most(220);
  });

  it('serves both sides of a split segment, and has one owner two heartbeats after it has healed', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = settled({ seed, nodes: 5, vips: 10, clients: ['c-0', 'c-1'] });
      simulation.lan.partition([
        ['edge-1', 'edge-2', 'c-0'],
        ['edge-3', 'edge-4', 'edge-5', 'c-1'],
      ]);
      // The smaller side waits for its patience.
      simulation.run(700 + seed * 7);
      expect(allVips(simulation).filter((vip) => simulation.answering(vip).length === 2).length).to.be.within(1, 4);
      simulation.run(2000);
      for (const vip of allVips(simulation)) expect(simulation.answering(vip), vip).to.have.length(2);
      simulation.lan.heal();
      simulation.run(50 + 5);
      expect(simulation.unsettled(), `seed ${seed}`).to.deep.equal([]);
    }
  }).timeout(120_000);

  it('has the winner of a healed split announce, and no loser', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = settled({ seed, nodes: 2, vips: 1, clients: ['c-0', 'c-1'] });
      const winner = ownerOf(simulation);
      const loser = simulation.nodes.find((node) => node !== winner);
      simulation.lan.partition([
        ['edge-1', 'c-0'],
        ['edge-2', 'c-1'],
      ]);
      simulation.run(2700 + seed * 3);
      expect(simulation.answering(VIP)).to.have.length(2);
      simulation.lan.heal();
      simulation.run(200);
      // What was held without a break goes before what was claimed without a witness.
      expect(simulation.answering(VIP)).to.deep.equal([winner]);
      expect(winner.announcements).to.be.at.least(1);
      expect(loser?.announcements, `seed ${seed}`).to.equal(0);
    }
  });

  it('replaces an owner that hears and is not heard, without flapping', () => {
    const simulation = settled();
    const mute = ownerOf(simulation);
    for (const other of simulation.nodes) simulation.lan.cut(mute.name, other.name);
    simulation.run(1000);
    expect(simulation.unsettled()).to.deep.equal([]);
    expect(ownerOf(simulation)).not.to.equal(mute);
    const before = ownership(simulation);
    for (let second = 0; second < 10; second++) {
      simulation.run(1000);
      expect(ownership(simulation)).to.equal(before);
    }
    expect(mute.reports.some((report) => report.kind === 'one-way')).to.equal(true);
  });

  it('leaves VIPs alone when two nodes do not hear each other and a third hears both', () => {
    const simulation = settled();
    const before = ownership(simulation);
    simulation.lan.cut('edge-1', 'edge-2');
    simulation.lan.cut('edge-2', 'edge-1');
    simulation.run(5000);
    expect(ownership(simulation)).to.equal(before);
  });

  it('has no false failover in a minute with a fifth of all frames lost', () => {
    const simulation = settled();
    const before = ownership(simulation);
    simulation.lan.quality = { ...simulation.lan.quality, loss: 0.2 };
    simulation.run(60_000);
    expect(ownership(simulation)).to.equal(before);
    for (const node of simulation.nodes)
      expect(node.reports.filter((report) => report.kind === 'member-lost')).to.deep.equal([]);
  });

  for (const [name, disturb] of [
    ['its owner leaves', (simulation: Simulation) => ownerOf(simulation).give({ type: 'leave' })],
    [
      'it is moved by order',
      (simulation: Simulation) => {
        const to = simulation.nodes.find((node) => node !== ownerOf(simulation))?.name ?? '';
        for (const node of simulation.nodes) node.give({ type: 'move', vip: vipOf(0), node: to });
      },
    ],
    [
      'its owner may not own it any more',
      (simulation: Simulation) => {
        simulation.allow(ownerOf(simulation).name, VIP, 'not-own');
        simulation.publish();
      },
    ],
  ] as const) {
    it(`answers without a gap when ${name}`, () => {
      const simulation = settled();
      const before = ownerOf(simulation);
      disturb(simulation);
      expect(longestGap(simulation, 1000, allVips(simulation))).to.equal(0);
      expect(ownerOf(simulation)).not.to.equal(before);
      expect(simulation.violations).to.deep.equal([]);
    });
  }

  it('restarts all nodes one after the other without a gap', () => {
    const simulation = settled();
    for (const node of simulation.nodes) {
      node.give({ type: 'leave' });
      expect(longestGap(simulation, 600, allVips(simulation))).to.equal(0);
      node.start();
      expect(longestGap(simulation, 600, allVips(simulation))).to.equal(0);
    }
    expect(simulation.unsettled()).to.deep.equal([]);
  });

  it('gives VIPs back one by one to a node that returns, without a gap, when rebalancing is gradual', () => {
    const simulation = settled({ vips: 9, rebalance: 'gradual' });
    const crashed = ownerOf(simulation);
    crashed.kill();
    simulation.run(1000);
    crashed.start();
    simulation.run(1000);
    expect(longestGap(simulation, 20_000, allVips(simulation))).to.equal(0);
    expect(simulation.loads()).to.deep.equal([3, 3, 3]);
    expect(simulation.violations).to.deep.equal([]);
  });

  it('BL-02: moves nothing while all heartbeats are lost, and calls nobody cut off that gets answers', () => {
    const simulation = settled();
    const before = allVips(simulation).map((vip) => simulation.answering(vip).map(({ name }) => name));
    for (const { name } of simulation.nodes) simulation.lan.isolate(name, 'heartbeats');
    simulation.run(4000);
    expect(allVips(simulation).map((vip) => simulation.answering(vip).map(({ name }) => name))).to.deep.equal(before);
    for (const { state } of simulation.nodes) {
      expect(state.company.cutOffSinceMs).to.equal(undefined);
      expect(state.members.map(({ answeringSinceMs }) => answeringSinceMs === undefined)).to.deep.equal([false, false]);
    }
  });

  it('BL-01: what a node claimed while it was cut off is given up with the first frame that it hears', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const simulation = settled({ seed });
      const [cut] = simulation.nodes;
      const others = new Map(allVips(simulation).map((vip) => [vip, ownerOf(simulation, vip)]));
      simulation.lan.isolate(cut?.name ?? '');
      simulation.run(4000);
      simulation.lan.rejoin(cut?.name ?? '');
      let doubleMs = 0;
      for (let passed = 0; passed < 500; passed += 1) {
        simulation.run(1);
        if ([...others].some(([vip, owner]) => owner !== cut && simulation.answering(vip).length > 1)) doubleMs += 1;
      }
      expect(doubleMs, `seed ${seed}`).to.be.at.most(30);
      for (const [vip, owner] of others) if (owner !== cut) expect(simulation.answering(vip)).to.deep.equal([owner]);
    }
  });

  it('BL-08: a VIP that is new while all heartbeats are lost has one owner, and never two answers', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const simulation = settled({ vips: 0, seed });
      for (const { name } of simulation.nodes) simulation.lan.isolate(name, 'heartbeats');
      simulation.lan.addWitness('gateway');
      simulation.run(3000);
      for (let number = 0; number < 4; number += 1) simulation.want(vipOf(number));
      simulation.publish();
      for (let passed = 0; passed < 4000; passed += 5) {
        simulation.run(5);
        for (const vip of allVips(simulation)) expect(simulation.answering(vip).length, vip).to.be.at.most(1);
      }
      expect(allVips(simulation).map((vip) => simulation.answering(vip).length)).to.deep.equal([1, 1, 1, 1]);
    }
  });

  for (const filtered of ['all', 'those that start'] as const)
    for (const witnesses of [[], ['gateway']])
      for (const starting of [1, 2])
        it(`BL-21: ${starting} of 3 nodes start while heartbeats of ${filtered} are filtered, ${witnesses.length} witnesses: what is answered for stays`, () => {
          for (const seed of [1, 2, 3]) {
            const simulation = settled({ seed, witnesses, clients: ['client'] });
            const started = Array.from({ length: starting }, (_, index) => simulation.node(seed + index));
            const others = simulation.nodes.filter((node) => !started.includes(node));
            for (const node of started) node.kill();
            simulation.run(4000);
            const before = ownership(simulation);
            for (const { name } of filtered === 'all' ? simulation.nodes : started)
              simulation.lan.isolate(name, 'heartbeats');
            for (const node of started) node.start();
            for (let passed = 0; passed < 8000; passed += 5) {
              simulation.run(5);
              expect(ownership(simulation)).to.equal(before);
            }
            // What no one answers for any more they may take, one after the other: they asked for it.
            for (const node of others) node.kill();
            simulation.run(8000);
            for (const vip of allVips(simulation)) expect(simulation.answering(vip), vip).to.have.length(1);
            expect(simulation.violations).to.deep.equal([]);
          }
        });

  it('answers nothing for nobody: without a candidate no node does, and as soon as there is one it does', () => {
    const simulation = settled({ vips: 1 });
    for (const node of simulation.nodes) simulation.allow(node.name, VIP, 'not-own');
    simulation.publish();
    simulation.run(100);
    expect(simulation.answering(VIP)).to.deep.equal([]);
    simulation.allow('edge-2', VIP, 'own');
    simulation.publish();
    simulation.run(100);
    expect(simulation.ownersOf(VIP)).to.deep.equal(['edge-2']);
  });
});
