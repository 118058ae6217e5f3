// SPDX-License-Identifier: Apache-2.0

// A crowded segment. BERTH_CROWD=200 plays the largest one that the protocol is made for, 200 speakers and 1,000 VIPs,
// in minutes.

import { expect } from 'chai';
import { Simulation } from './simulation.ts';

const speakers = Number(process.env.BERTH_CROWD ?? 30);
const vips = 5 * speakers;

describe(`simulated segment with ${speakers} speakers and ${vips} VIPs`, function () {
  this.timeout(speakers > 30 ? 0 : 30_000);
  let simulation: Simulation;

  before('start all', () => {
    simulation = new Simulation({ nodes: speakers, vips, seed: 200, checks: 'none' });
    simulation.startAll(0.2);
    simulation.run(2000);
  });

  it('spreads the VIPs evenly', () => {
    expect(simulation.unsettled()).to.deep.equal([]);
    expect([...new Set(simulation.loads())]).to.deep.equal([5]);
  });

  it('takes over the VIPs of four nodes that die together, and no others', () => {
    const dead = simulation.nodes.slice(0, 4);
    const kept = [...simulation.desired.keys()].filter((vip) => !dead.some((node) => node.answers(vip)));
    const before = kept.map((vip) => simulation.ownersOf(vip));
    for (const node of dead) node.kill();
    simulation.run(250);
    expect(simulation.unsettled()).to.deep.equal([]);
    expect(kept.map((vip) => simulation.ownersOf(vip))).to.deep.equal(before);
    expect(Math.max(...simulation.loads())).to.equal(6);
  });

  it('stays within the budget of frames', () => {
    simulation.run(1000);
    const before = simulation.lan.frames;
    simulation.run(1000);
    const framesPerMember = (simulation.lan.frames - before) / (speakers - 4);
    // Heartbeats, and one full list a second: a frame, or three where the view needs parts of its own.
    const beats = speakers - 4 > 64 ? 20 : 40;
    expect(framesPerMember).to.be.within(beats, beats + 4);
  });
});
