// SPDX-License-Identifier: Apache-2.0

// VIPs that move to better nodes where no connection breaks: that it ends, whatever nodes disagree about.

import { expect } from 'chai';
import { Simulation, vipOf } from './simulation.ts';

type Scores = Readonly<Record<string, number>>;

function unbroken(nodes: number, vips: number): Simulation {
  return new Simulation({ nodes, vips, seed: 3, rebalance: 'unbroken' });
}

/** From now on the nth VIP has these candidates, as far as speakers hear of it. */
function wish(simulation: Simulation, ...wishes: readonly Scores[]): void {
  for (const [number, scores] of wishes.entries()) {
    const candidates = Object.entries(scores).map(([node, score]) => ({ node, standing: 'eligible' as const, score }));
    simulation.desired.set(String(vipOf(number)), { vip: vipOf(number), candidates });
  }
  simulation.publish();
}

function owners(simulation: Simulation): string[] {
  return [...simulation.desired.keys()].map((vip) => simulation.ownersOf(vip).join('+'));
}

/** Whether no node looks for a move. */
function isEven(simulation: Simulation): boolean {
  return simulation.nodes.every(({ state }) => state.evenMs >= Math.max(state.changedMs, state.unevenMs));
}

function refusals(simulation: Simulation): number {
  return simulation.nodes.flatMap(({ reports }) => reports.filter(({ kind }) => kind === 'move-refused')).length;
}

function start(simulation: Simulation): void {
  simulation.startAll();
  simulation.run(30_000);
}

describe('VIPs that move to better nodes', () => {
  it('MV-31: two nodes that prefer each other for a VIP, since one does not hear of a policy, do not pass it to and fro', () => {
    const simulation = unbroken(3, 0);
    wish(
      simulation,
      { 'edge-1': 9, 'edge-2': 0, 'edge-3': 0 },
      { 'edge-1': 0, 'edge-2': 9, 'edge-3': 0 },
      { 'edge-1': 0, 'edge-2': 0, 'edge-3': 9 },
    );
    start(simulation);
    simulation.cutOffApi('edge-2', 'cut');
    wish(
      simulation,
      { 'edge-1': 0, 'edge-2': 9, 'edge-3': 0 },
      { 'edge-1': 9, 'edge-2': 0, 'edge-3': 0 },
      { 'edge-1': 9, 'edge-2': 0, 'edge-3': 0 },
    );
    simulation.run(30_000);
    // Another change, so that all look for moves at the same time.
    simulation.node(2).kill();
    simulation.run(2000);
    simulation.node(2).start();
    const before = simulation.successions.length;
    simulation.run(120_000);
    expect(simulation.successions.length - before).to.be.at.most(2);
    expect(isEven(simulation)).to.equal(true);
    expect(simulation.violations).to.deep.equal([]);
  });

  it('MV-31: a next owner that does not take a VIP is asked for a while only, and others move meanwhile', () => {
    const simulation = unbroken(3, 0);
    wish(simulation, { 'edge-1': 9 }, { 'edge-1': 9, 'edge-2': 0, 'edge-3': 0 });
    start(simulation);
    // It does not hear that it may own the first.
    simulation.cutOffApi('edge-2', 'cut');
    wish(simulation, { 'edge-1': 0, 'edge-2': 9 }, { 'edge-1': 0, 'edge-2': 0, 'edge-3': 9 });
    simulation.run(60_000);
    expect(owners(simulation)).to.deep.equal(['edge-1', 'edge-3']);
    expect(refusals(simulation)).to.be.within(5, 30);
    const before = refusals(simulation);
    simulation.run(300_000);
    expect(refusals(simulation)).to.equal(before);
    expect(isEven(simulation)).to.equal(true);
    simulation.cutOffApi('edge-2', 'restored');
    wish(simulation, { 'edge-1': 1, 'edge-2': 9 });
    simulation.run(20_000);
    expect(owners(simulation)).to.deep.equal(['edge-2', 'edge-3']);
  });

  for (const policy of ['off', 'unbroken', 'gradual'] as const)
    it(`MV-31: an order to rebalance that cannot be carried out to the end is over after a while, with ${policy}`, () => {
      const simulation = new Simulation({ nodes: 2, vips: 0, seed: 3, rebalance: policy });
      wish(simulation, { 'edge-1': 9 });
      start(simulation);
      simulation.cutOffApi('edge-2', 'cut');
      wish(simulation, { 'edge-1': 0, 'edge-2': 9 });
      simulation.run(60_000);
      const ordered = () => simulation.nodes.some(({ state }) => state.isRebalanceOrdered);
      for (const one of simulation.nodes) one.give({ type: 'rebalance' });
      const before = refusals(simulation);
      simulation.run(3000);
      // Again at once, though it was left where it is.
      expect(refusals(simulation)).to.be.above(before);
      expect(ordered()).to.equal(true);
      simulation.run(30_000);
      expect(ordered()).to.equal(false);
    });

  it('MV-32: what a person moves while moves are still to be made stays as well', () => {
    const simulation = unbroken(3, 6);
    start(simulation);
    simulation.node(2).kill();
    simulation.run(2000);
    simulation.node(2).start();
    simulation.run(3000);
    for (const { vip } of simulation.desired.values())
      for (const one of simulation.nodes) one.give({ type: 'move', vip, node: 'edge-3' });
    simulation.run(300_000);
    expect(simulation.loads()).to.deep.equal([0, 0, 6]);
    expect(isEven(simulation)).to.equal(true);
    simulation.node(0).keepConnections(false);
    simulation.run(1000);
    simulation.node(0).keepConnections(true);
    simulation.run(30_000);
    expect(simulation.loads()).to.deep.equal([2, 2, 2]);
  });
});
