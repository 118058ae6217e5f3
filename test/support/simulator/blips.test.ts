// SPDX-License-Identifier: Apache-2.0

// Short faults of the segment, one kind after the other: what must not move does not, and what moved is back as the
// rule says (docs/design/0012-ask-before-you-take.md, section 6). BERTH_BLIPS=all plays every size with every length,
// in minutes.

import { answeringMembers, isUnsteady, MacAddress, weakClaims } from '@berth/core';
import { expect } from 'chai';
import { Blip } from './blip.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { GATEWAY, vipOf } from './simulation.ts';

const doPlayAll = process.env.BERTH_BLIPS === 'all';
/** Two heartbeats, and what a frame and a step take. */
const TWO_HEARTBEATS_MS = 50 + 10;
/** From the fault to the takeover, at most. */
const TAKEN_MS = 300;

const SIZES = [2, 3, 5, 20, 50];
const LENGTHS_MS = [100, 300, 400, 1000, 3000, 10_000, 10_100, 60_000];

/** A crowd costs a second of the machine for each second. */
const isQuick = (nodes: number, forMs: number) => nodes <= 5 || (nodes === 20 && forMs === 300);

function first(blip: Blip): SimulatedNode {
  const [node] = blip.nodes;
  if (node === undefined) throw new Error('no nodes');
  return node;
}

/** One owner two heartbeats after healing, and the same ones from then on. */
function expectOneOwner(blip: Blip): void {
  blip.simulation.run(TWO_HEARTBEATS_MS);
  expect(blip.simulation.unsettled()).to.deep.equal([]);
  const owners = () => blip.vips.map((vip) => blip.simulation.ownersOf(vip).join());
  const then = owners();
  blip.simulation.run(3000);
  expect(owners()).to.deep.equal(then);
  expect(blip.simulation.violations).to.deep.equal([]);
}

describe('one node cut off with its cable in', () => {
  for (const nodes of SIZES)
    for (const forMs of LENGTHS_MS) {
      if (!doPlayAll && !isQuick(nodes, forMs)) continue;
      it(`BL-11: moves no VIP of another node, ${nodes} nodes, ${forMs} ms`, function () {
        this.timeout(0);
        const blip = new Blip({ nodes });
        const cut = first(blip);
        const others = blip.others(cut);
        const own = blip.vipsOf(cut);
        const dropped = blip.cut(cut, Math.min(forMs, TAKEN_MS));
        expect([...dropped]).to.deep.equal([]);
        if (forMs >= TAKEN_MS) {
          expect(blip.unserved(own, others), 'of the cut node, taken over').to.deep.equal([]);
          expect([...blip.cut(cut, forMs - TAKEN_MS)]).to.deep.equal([]);
        }
        const takers = new Map(own.map((vip) => [vip, others.filter((node) => node.answers(vip)).join()]));
        expectOneOwner(blip);
        expect(blip.moved(blip.vipsOf(...others)), 'of the others').to.deep.equal([]);
        if (forMs === 100) expect(blip.moved()).to.deep.equal([]);
        // It held its own without a break, so they go back to it, and stay where they are if it was cut off for longer.
        if (forMs < 10_000) expect(blip.moved(own)).to.deep.equal([]);
        else expect(blip.moved(own)).to.deep.equal([...takers.keys()]);
      });
    }
});

describe('a node that is cut off again and again', () => {
  for (const nodes of [2, 3, 5])
    for (const forMs of [300, 1000, 3000])
      it(`BL-12: moves no VIP of another node and settles, five times ${forMs} ms, ${nodes} nodes`, function () {
        this.timeout(0);
        const blip = new Blip({ nodes });
        const cut = first(blip);
        const others = blip.others(cut);
        let changes = 0;
        let owners = blip.vipsOf(cut).join();
        for (let round = 0; round < 5; round++) {
          expect([...blip.cut(cut, forMs)]).to.deep.equal([]);
          expectOneOwner(blip);
          const now = blip.vipsOf(cut).map((vip) => blip.simulation.ownersOf(vip).join());
          if (now.join() !== owners) changes += 1;
          owners = now.join();
        }
        expect(blip.moved(blip.vipsOf(...others))).to.deep.equal([]);
        // From the second time on it comes last, so its VIPs stay where they were taken over.
        expect(changes).to.be.at.most(2);
        expect(blip.unserved(blip.vipsOf(cut), others)).to.deep.equal([]);
      });

  it('BL-12: a node that flaps once a second for a minute comes last until it has been steady for a minute', function () {
    this.timeout(0);
    const blip = new Blip({ nodes: 3 });
    const cut = first(blip);
    const others = blip.others(cut);
    for (let second = 0; second < 60; second++) {
      expect([...blip.cut(cut, 500)]).to.deep.equal([]);
      expect([...blip.watch(500, blip.vipsOf(...others))]).to.deep.equal([]);
    }
    expectOneOwner(blip);
    expect(blip.unserved(blip.vipsOf(cut), others)).to.deep.equal([]);
    expect(isUnsteady(cut.state)).to.equal(true);
    blip.simulation.run(61_000);
    expect(isUnsteady(cut.state)).to.equal(false);
  });
});

describe('two nodes, one of them cut off', () => {
  const CLIENTS = ['c-0', 'c-1'];

  it('BL-13: the one with the witness takes, the other waits for its patience, and one stays', () => {
    const blip = new Blip({ nodes: 2, clients: CLIENTS });
    const [a, b] = [first(blip), ...blip.others(first(blip))];
    blip.simulation.lan.partition([
      [a.name, GATEWAY, 'c-0'],
      [b?.name ?? '', 'c-1'],
    ]);
    blip.simulation.run(TAKEN_MS);
    expect(blip.vips.filter((vip) => !a.answers(vip))).to.deep.equal([]);
    expect(b?.table.size).to.equal(2);
    blip.simulation.run(2300);
    expect(b?.table.size).to.equal(4);
    expect(weakClaims(b?.state ?? a.state)).to.have.length(2);
    blip.simulation.lan.heal();
    expectOneOwner(blip);
    expect(blip.moved()).to.deep.equal([]);
  });

  it('BL-13: without any witness both serve after the patience, and everything goes back', () => {
    for (const forMs of [1000, 3000, 15_000, 60_000]) {
      const blip = new Blip({ nodes: 2, witnesses: [], clients: CLIENTS });
      const [a, b] = [first(blip), ...blip.others(first(blip))];
      blip.simulation.lan.partition([
        [a.name, 'c-0'],
        [b?.name ?? '', 'c-1'],
      ]);
      blip.simulation.run(forMs);
      const served = forMs > 2500 ? 4 : 2;
      expect([a.table.size, b?.table.size], `${forMs} ms`).to.deep.equal([served, served]);
      blip.simulation.lan.heal();
      expectOneOwner(blip);
      expect(blip.moved(), `${forMs} ms`).to.deep.equal([]);
    }
  });

  it('BL-13: a node alone in the world serves, with or without a witness', () => {
    for (const witnesses of [[], [GATEWAY]]) {
      const blip = new Blip({ nodes: 2, witnesses, clients: CLIENTS });
      const [a, b] = [first(blip), ...blip.others(first(blip))];
      b?.kill();
      blip.simulation.run(witnesses.length > 0 ? TAKEN_MS : 2500);
      expect(a.table.size).to.equal(4);
    }
  });
});

describe('a split segment', () => {
  for (const { sides, witness } of [
    { sides: [3, 2], witness: 'none' },
    { sides: [3, 2], witness: 'larger' },
    { sides: [3, 2], witness: 'smaller' },
    { sides: [2, 2], witness: 'larger' },
    { sides: [2, 2], witness: 'none' },
    { sides: [2, 2], witness: 'both' },
    { sides: [11, 9], witness: 'none' },
  ] as const)
    for (const forMs of sides[0] > 3 && !doPlayAll ? [4000] : [1000, 4000, 20_000])
      it(`BL-14: ${sides.join(' against ')}, witness: ${witness}, ${forMs} ms: nothing has moved afterwards but what was cut off for long`, function () {
        this.timeout(0);
        const nodes = sides[0] + sides[1];
        const witnesses = { none: [], larger: ['w-0'], smaller: ['w-1'], both: ['w-0', 'w-1'] }[witness];
        const blip = new Blip({ nodes, witnesses, clients: ['c-0', 'c-1'] });
        const [large, small] = [blip.nodes.slice(0, sides[0]), blip.nodes.slice(sides[0])];
        const names = [large, small].map((side, index) => [
          ...side.map(({ name }) => name),
          `w-${index}`,
          `c-${index}`,
        ]);
        blip.simulation.lan.partition(names);
        const dropped = blip.watch(forMs, blip.vips, 20);
        expect([...dropped], 'owners stop answering').to.deep.equal([]);
        const isLargeFree = sides[0] > sides[1] || witness === 'larger' || witness === 'both';
        const isSmallFree = witness === 'smaller' || witness === 'both';
        const hasPatience = forMs >= 3000;
        if (isLargeFree || hasPatience) expect(blip.unserved(blip.vips, large)).to.deep.equal([]);
        if (isSmallFree || hasPatience) expect(blip.unserved(blip.vips, small)).to.deep.equal([]);
        if (!isSmallFree && !hasPatience) expect(blip.unserved(blip.vips, small)).to.deep.equal(blip.vipsOf(...large));
        blip.simulation.lan.heal();
        expectOneOwner(blip);
        // Only what a side held that was cut off for longer than ten seconds stays with the other, if that was not cut
        // off itself.
        const isGone = forMs > 10_000;
        if (!(isGone && !isLargeFree && isSmallFree)) expect(blip.moved(blip.vipsOf(...large))).to.deep.equal([]);
        if (!(isGone && !isSmallFree && isLargeFree)) expect(blip.moved(blip.vipsOf(...small))).to.deep.equal([]);
        else expect(blip.moved(blip.vipsOf(...small))).to.deep.equal(blip.vipsOf(...small));
      });
});

describe('a node that is cut off without a witness', () => {
  /**
   * One of three cut off, alone or with a client that asks for these VIPs; what it answers for of the others' VIPs,
   * until long after healing.
   */
  function play(cutMs: number, asked: (theirs: readonly string[]) => readonly string[]) {
    const blip = new Blip({ nodes: 3, clients: ['near'] });
    const { lan } = blip.simulation;
    const cut = first(blip);
    const theirs = blip.vipsOf(...blip.others(cut));
    // Clients of the others ask all the time, at healing as well.
    lan.addClient('far');
    const during = new Set<string>();
    const later = new Set<string>();
    const look = (forMs: number, seen: Set<string>) => {
      for (let passed = 0; passed < forMs; passed += 1) {
        blip.simulation.run(1);
        for (const vip of theirs) if (cut.answers(vip)) seen.add(vip);
      }
    };
    lan.partition([
      blip
        .others(cut)
        .map(({ name }) => name)
        .concat('near', GATEWAY),
      [cut.name, 'far'],
    ]);
    look(cutMs - 500, during);
    const wanted = asked(theirs);
    for (const vip of wanted) lan.demand('far', vip);
    look(500, during);
    lan.heal();
    for (const vip of theirs) lan.demand('near', vip);
    look(1000, later);
    expectOneOwner(blip);
    expect(blip.moved(theirs)).to.deep.equal([]);
    return { wanted, during: [...during], later: [...later] };
  }

  for (const cutMs of [3000, 10_000, 60_000])
    it(`BL-09: takes nothing that nobody asks for, so at healing no client has two answers, cut for ${cutMs} ms`, () => {
      const { during, later } = play(cutMs, () => []);
      expect({ during, later }).to.deep.equal({ during: [], later: [] });
    });

  it('BL-09: serves what a host on its side asks for, that alone, and no longer than until it hears the others', () => {
    const { wanted, during, later } = play(3000, (theirs) => theirs.slice(0, 1));
    expect(during).to.deep.equal(wanted);
    expect(later).to.deep.equal(wanted);
  });

  it('BL-09: does not take a question that comes when the fault has just ended for one of its side', () => {
    for (const afterMs of [0, 1, 5, 10, 20]) {
      const blip = new Blip({ nodes: 2, witnesses: [], clients: ['near'] });
      const { lan } = blip.simulation;
      const [a, b] = [first(blip), ...blip.others(first(blip))];
      const theirs = blip.vipsOf(a);
      lan.partition([[a.name, 'near'], [b?.name ?? '']]);
      blip.simulation.run(4000);
      lan.heal();
      blip.simulation.run(afterMs);
      for (const vip of theirs) lan.demand('near', vip);
      for (let passed = 0; passed < 1000; passed += 1) {
        blip.simulation.run(1);
        expect(theirs.filter((vip) => b?.answers(vip))).to.deep.equal([]);
      }
    }
  });
});

describe('a stranger that answers for VIPs', () => {
  const STRANGER = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 0xee)) ?? MacAddress.ZERO;

  it('BL-10: keeps no VIP whose owner has died without an owner', () => {
    const blip = new Blip({ nodes: 3 });
    const dead = first(blip);
    blip.simulation.lan.addStranger('printer', STRANGER, blip.vips);
    dead.kill();
    blip.simulation.run(1000);
    expect(blip.unserved(blip.vips)).to.deep.equal([]);
    expect(blip.simulation.doubles()).to.deep.equal([]);
  });

  it('BL-10: makes nobody take what a node answers for that is not heard', () => {
    const blip = new Blip({ nodes: 3 });
    const { lan } = blip.simulation;
    lan.addStranger('printer', STRANGER, blip.vips);
    for (const node of blip.nodes) lan.isolate(node.name, 'heartbeats');
    expect([...blip.watch(20_000, blip.vips, 50)]).to.deep.equal([]);
    // One lapses, and does not know any more who owns what.
    const [one] = blip.nodes;
    one?.halt('paused');
    blip.simulation.run(700);
    one?.resume();
    blip.simulation.run(5000);
    expect(blip.simulation.doubles()).to.deep.equal([]);
    expect(blip.moved(blip.vipsOf(...blip.others(one ?? first(blip))))).to.deep.equal([]);
    expect(blip.simulation.violations).to.deep.equal([]);
  });

  it('BL-10: leaves a node that took over unheard what it answers for, whose heartbeats are filtered', () => {
    const blip = new Blip({ nodes: 3 });
    const { lan } = blip.simulation;
    const [a, b, c] = blip.nodes.map(({ name }) => name);
    lan.addStranger('printer', STRANGER, blip.vips);
    // Between b and c no heartbeat passes; b takes over from a what falls to it, and c must not as well.
    lan.cut(b ?? '', c ?? '', 'heartbeats');
    lan.cut(c ?? '', b ?? '', 'heartbeats');
    blip.simulation.run(3000);
    blip.nodes.find(({ name }) => name === a)?.kill();
    blip.simulation.run(5000);
    expect(blip.unserved(blip.vips)).to.deep.equal([]);
    expect(blip.simulation.doubles()).to.deep.equal([]);
  });

  it('BL-10: asks before it takes what another took unheard, where nodes that are heard hear that one', () => {
    for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const blip = new Blip({ nodes: 5, vips: 1, witnesses: [], calmMs: 4000 });
      const { simulation } = blip;
      const names = blip.nodes.map(({ name }) => name);
      const [, , deaf = ''] = names;
      const filter = (others: readonly string[]) => {
        for (const other of others) {
          simulation.lan.cut(deaf, other, 'heartbeats');
          simulation.lan.cut(other, deaf, 'heartbeats');
        }
      };
      filter(names.filter((name) => name !== deaf));
      simulation.run(2500);
      const vip = vipOf(number);
      simulation.want(vip);
      simulation.publish();
      simulation.run(3500);
      const before = simulation.ownersOf(String(vip));
      // It hears two of the others again, and with them more than half; the other two go on unheard.
      simulation.lan.heal();
      filter(names.slice(3));
      for (let passed = 0; passed < 8000; passed += 5) {
        simulation.run(5);
        expect(simulation.ownersOf(String(vip)), `${vip}`).to.deep.equal(before);
      }
      expect(before, `${vip}`).to.have.length(1);
      expect(simulation.violations).to.deep.equal([]);
    }
  });
});

describe('VIPs that are new while a segment is split', () => {
  /**
   * Three against two without a witness, while six VIPs are wanted; then `during`, and healed. Who answers of the three
   * before, and who of all after.
   */
  function playSplit(seed: number, during: (blip: Blip) => void): { before: string[]; after: string[] } {
    const blip = new Blip({ nodes: 5, vips: 5, witnesses: [], clients: ['c-0', 'c-1'], seed });
    const large = blip.nodes.slice(0, 3);
    const names = blip.nodes.map(({ name }) => name);
    blip.simulation.lan.partition([
      [...names.slice(0, 3), 'c-0'],
      [...names.slice(3), 'c-1'],
    ]);
    blip.simulation.run(1000);
    const added = [20, 21, 22, 23, 24, 25].map(vipOf);
    for (const vip of added) blip.simulation.want(vip);
    blip.simulation.publish();
    blip.simulation.run(4000);
    during(blip);
    const before = added.map((vip) => large.filter((node) => node.answers(String(vip))).map(({ name }) => name));
    blip.simulation.lan.heal();
    blip.simulation.run(1000);
    const after = added.map((vip) => blip.simulation.ownersOf(String(vip)));
    expect(blip.simulation.violations, `seed ${seed}`).to.deep.equal([]);
    return { before: before.map(String), after: after.map(String) };
  }

  it('BL-14: what the smaller side claimed after its patience is weak: the larger one keeps it, whatever the names and terms', () => {
    for (const seed of [1, 2, 3]) {
      const { before, after } = playSplit(seed, ({ nodes }) => {
        const small = nodes.slice(3).flatMap(({ state }) => [...state.claims.values()]);
        expect(small.filter(({ isWeak }) => isWeak === true)).to.have.length(9);
      });
      expect(after).to.deep.equal(before);
    }
  });

  it('BL-14: what one cut off node hands over to another stays weak, though its term is higher', () => {
    const { before, after } = playSplit(4, (blip) => {
      for (const to of blip.nodes.slice(3))
        for (const number of [20, 21, 22, 23, 24, 25])
          for (const node of blip.nodes.slice(3)) node.give({ type: 'move', vip: vipOf(number), node: to.name });
      blip.simulation.run(500);
    });
    expect(after).to.deep.equal(before);
  });
});

describe('heartbeats alone are lost', () => {
  const FILTERS: Record<string, (blip: Blip) => void> = {
    'on one node': (blip) => blip.simulation.lan.isolate(first(blip).name, 'heartbeats'),
    'on all': (blip) => {
      for (const node of blip.nodes) blip.simulation.lan.isolate(node.name, 'heartbeats');
    },
    'from one node': (blip) => {
      for (const other of blip.nodes) blip.simulation.lan.cut(first(blip).name, other.name, 'heartbeats');
    },
    'to one node': (blip) => {
      for (const other of blip.nodes) blip.simulation.lan.cut(other.name, first(blip).name, 'heartbeats');
    },
  };
  for (const nodes of doPlayAll ? [2, 3, 5, 20] : [2, 3, 5])
    for (const [name, filter] of Object.entries(FILTERS))
      it(`BL-15: ${name} of ${nodes}: no VIP has two answers, nothing moves, and it is told within 2 s`, function () {
        this.timeout(0);
        const blip = new Blip({ nodes, ...(nodes > 5 && { calmMs: 3000 }) });
        filter(blip);
        expect([...blip.watch(2000, blip.vips)]).to.deep.equal([]);
        expect(blip.moved()).to.deep.equal([]);
        const told = blip.nodes.filter((node) => answeringMembers(node.state).length > 0);
        expect(told.length).to.be.at.least(1);
        expect([...blip.watch(nodes > 5 ? 1000 : 20_000, blip.vips, 50)]).to.deep.equal([]);
        expect(blip.moved()).to.deep.equal([]);
        blip.simulation.lan.heal();
        expectOneOwner(blip);
        expect(blip.moved()).to.deep.equal([]);
        expect(blip.nodes.flatMap((node) => [...answeringMembers(node.state)])).to.deep.equal([]);
      });

  it('BL-15: an owner that dies meanwhile is taken over within twice the time', () => {
    const blip = new Blip({ nodes: 3 });
    for (const node of blip.nodes) blip.simulation.lan.isolate(node.name, 'heartbeats');
    blip.simulation.run(1000);
    const dead = first(blip);
    dead.kill();
    blip.simulation.run(2 * TAKEN_MS);
    expect(blip.unserved(blip.vips)).to.deep.equal([]);
    expect(blip.simulation.doubles()).to.deep.equal([]);
  });
});

describe('all speakers lapse together', () => {
  for (const [nodes, vips] of [[3, 30], [3, 2000], [3, 5000], ...(doPlayAll ? ([[5, 2000]] as const) : [])] as const)
    for (const forMs of vips > 2000 && !doPlayAll ? [350] : [350, 700])
      it(`BL-16: each of ${vips} VIPs is back with the owner it had within a second, ${nodes} nodes that stood still for ${forMs} ms`, function () {
        this.timeout(0);
        const blip = new Blip({ nodes, vips, checks: 'none', calmMs: vips > 100 ? 6000 : 3000 });
        for (const [index, node] of blip.nodes.entries())
          blip.simulation.clock.after((index * 100) / nodes, () => node.halt('paused'));
        blip.simulation.run(forMs);
        for (const node of blip.nodes) node.resume();
        blip.simulation.run(1000);
        expect(blip.simulation.unsettled()).to.deep.equal([]);
        expect(blip.moved()).to.deep.equal([]);
      });
});

describe('a port that does not forward yet', () => {
  for (const witnesses of [[], [GATEWAY]])
    it(`BL-17: a node behind it takes nothing from anybody, ${witnesses.length} witnesses on the other side`, () => {
      const blip = new Blip({ nodes: 3, witnesses });
      const late = first(blip);
      late.kill();
      blip.simulation.run(20_000);
      const owners = () => blip.vips.map((vip) => blip.simulation.ownersOf(vip).join());
      const before = owners();
      blip.simulation.lan.isolate(late.name);
      late.start();
      blip.simulation.run(1500);
      expect(late.table.size).to.equal(0);
      blip.simulation.run(28_500);
      blip.simulation.lan.heal();
      blip.simulation.run(TWO_HEARTBEATS_MS);
      expect(owners()).to.deep.equal(before);
      expectOneOwner(blip);
    });

  it('BL-17: whole segments that start behind it, and come together later, have one owner each', () => {
    const blip = new Blip({ nodes: 4, witnesses: [GATEWAY] });
    for (const node of blip.nodes) node.kill();
    const [a, b, c, d] = blip.nodes.map(({ name }) => name);
    blip.simulation.lan.partition([
      [a ?? '', b ?? '', GATEWAY],
      [c ?? '', d ?? ''],
    ]);
    for (const node of blip.nodes) node.start();
    blip.simulation.run(30_000);
    blip.simulation.lan.heal();
    expectOneOwner(blip);
  });

  it('BL-17: what a node claims that came back alone loses to a standing owner, whatever the terms', () => {
    const blip = new Blip({ nodes: 3, witnesses: ['w-0', 'w-1'] });
    const [back, ...others] = blip.nodes;
    if (back === undefined) throw new Error('no nodes');
    back.kill();
    blip.simulation.run(15_000);
    const owners = () => blip.vips.map((vip) => others.filter((node) => node.answers(vip)).map(({ name }) => name));
    const before = owners();
    blip.simulation.lan.partition([
      [back.name, 'w-1'],
      [...others.map(({ name }) => name), 'w-0'],
    ]);
    back.start();
    blip.simulation.run(20_000);
    expect(back.table.size).to.equal(6);
    blip.simulation.lan.heal();
    expectOneOwner(blip);
    expect(owners()).to.deep.equal(before);
  });
});
