// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of four nodes that hand a packet to each other inside the kernel, on no cable: whatever their tables say, it
 * has an end. Needs root.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { buildAddon } from '../build.ts';
import { TCP, tcp } from './support/packet-frames.ts';
import { CIRCLE, macOfNode, SpreadCircle } from './support/spread-circle.ts';
import { CLIENT_MAC, obstacleToSpreading, planOf, planOf6 } from './support/spread-frames.ts';

/** The client's frame, one that passes it on, one that gives it back. */
const MOST_ON_WIRE = 3;

buildAddon();
const reason = obstacleToSpreading();
const suite = reason === undefined ? describe : describe.skip;

suite(`loops${reason === undefined ? '' : ` (cannot be had: ${reason})`}`, () => {
  let circle: SpreadCircle;

  before(() => {
    circle = SpreadCircle.open();
  });

  after(() => circle.close());

  const number = () => fc.constantFrom(0, ...CIRCLE);
  const told = () =>
    fc.record({
      ...{ target: fc.constantFrom(...CIRCLE), fallback: number(), next: number(), nextFallback: number() },
      stray: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, number()),
    });
  const plans = () =>
    fc.record({
      mac: fc.oneof({ weight: 2, arbitrary: fc.constant(CLIENT_MAC) }, fc.constantFrom(...CIRCLE.map(macOfNode))),
      hops: fc.constantFrom(8, 9, 64, 255),
      flags: fc.constantFrom('SYN', 'ACK', 'ACK', 'ACK'),
      // What began at a node is remembered there.
      sourcePort: fc.integer({ min: 1, max: 65_535 }),
    });

  it('SP-14: whatever four nodes were told, and whoever seems to send: three times at most', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.tuple(told(), told(), told(), told()), plans(), (all, { mac, hops, flags, sourcePort }) => {
        for (const [index, one] of all.entries()) circle.tell(index + 1, one, sourcePort);
        const payload = tcp(sourcePort, 80, flags as 'SYN' | 'ACK');
        for (const first of CIRCLE) {
          for (const plan of [planOf, planOf6]) {
            const times = circle.timesOnWire(first, plan({ from: mac, hops, protocol: TCP, payload }));
            seen.add(times);
            expect(times).to.be.at.most(MOST_ON_WIRE);
          }
        }
      }),
      { numRuns: 600 },
    );
    // The most that there may be was there.
    expect([...seen].sort()).to.deep.equal([1, 2, 3]);
  });
});
