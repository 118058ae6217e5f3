// SPDX-License-Identifier: Apache-2.0

// How often one frame is on the wire at most: the programs of four nodes hand it to each other by tables that agree, or
// are a version apart, or make no sense, and from source addresses that are another node's.

import fc from 'fast-check';
import { buildAddon } from '../../packages/link/build.ts';
import { TCP, tcp } from '../../packages/link/test/support/packet-frames.ts';
import { CIRCLE, macOfNode, SpreadCircle, type Told } from '../../packages/link/test/support/spread-circle.ts';
import { CLIENT_MAC, planOf, planOf6 } from '../../packages/link/test/support/spread-frames.ts';
import { figure } from '../report.ts';
import type { KernelScenario } from './scenario.ts';

/** The client's frame, one that passes it on, one that gives it back. */
const MOST_ON_WIRE = 3;
/** A run can be repeated. */
const SEED = 20261201;

const NOTHING: Told = { target: 0, fallback: 0, next: 0, nextFallback: 0, stray: 0 };
const node = () => fc.constantFrom(...CIRCLE);
const nodeOrNone = () => fc.constantFrom(0, ...CIRCLE);
const anything = () =>
  fc.record({
    target: node(),
    fallback: nodeOrNone(),
    next: nodeOrNone(),
    nextFallback: nodeOrNone(),
    stray: nodeOrNone(),
  });

/** What each of the four nodes goes by. Every node gets the frame from the client in turn, as if it were an owner. */
const SITUATIONS: readonly { readonly name: string; readonly tables: fc.Arbitrary<readonly Told[]> }[] = [
  {
    name: 'two owners, one table',
    tables: fc
      .record({ target: node(), stray: nodeOrNone() })
      .map((told) => CIRCLE.map(() => ({ ...NOTHING, ...told }))),
  },
  {
    name: 'tables a version apart',
    tables: fc
      .tuple(node(), node(), fc.tuple(...CIRCLE.map(() => fc.constantFrom('pending', 'committed'))))
      .map(([target, next, states]) =>
        states.map((state) => (state === 'pending' ? { ...NOTHING, target, next } : { ...NOTHING, target: next })),
      ),
  },
  {
    name: 'each takes another for silent',
    tables: fc
      .tuple(...CIRCLE.map(() => fc.record({ target: node(), fallback: node() })))
      .map((all) => all.map((told) => ({ ...NOTHING, ...told }))),
  },
  { name: 'tables that make no sense', tables: fc.tuple(...CIRCLE.map(anything)) },
];

const frames = () =>
  fc.record({
    hops: fc.constantFrom(8, 9, 64, 255),
    flags: fc.constantFrom('SYN' as const, 'ACK' as const),
    // What began at a node is remembered there.
    sourcePort: fc.integer({ min: 1, max: 65_535 }),
  });

export const loops: KernelScenario = {
  on: 'kernel',
  rounds: 2_000,
  async measure({ rounds, progress }) {
    buildAddon();
    const circle = SpreadCircle.open();
    try {
      return SITUATIONS.flatMap(({ name, tables }) => {
        progress(`loops: ${name}: ${rounds} times, seed ${SEED}`);
        const plays = fc.sample(fc.tuple(tables, frames()), { numRuns: rounds, seed: SEED });
        const [client, forged]: [number[], number[]] = [[], []];
        for (const [told, { hops, flags, sourcePort }] of plays) {
          for (const [index, one] of told.entries()) circle.tell(index + 1, one, sourcePort);
          const plan = { hops, protocol: TCP, payload: tcp(sourcePort, 80, flags) };
          for (const first of CIRCLE) {
            const from = macOfNode((first % CIRCLE.length) + 1);
            for (const framed of [planOf, planOf6]) {
              client.push(circle.timesOnWire(first, framed({ ...plan, from: CLIENT_MAC })));
              forged.push(circle.timesOnWire(first, framed({ ...plan, from })));
            }
          }
        }
        const common = { unit: 'frames', yardstick: { name: 'plain', samples: [1] } };
        const target = { on: 'worst', atMost: MOST_ON_WIRE } as const;
        return [
          figure({ name: `on the wire, ${name}`, samples: client, ...common, target }),
          figure({ name: '  from the MAC address of a node', samples: forged, ...common, target }),
        ];
      });
    } finally {
      circle.close();
    }
  },
};
