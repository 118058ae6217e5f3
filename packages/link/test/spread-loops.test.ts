// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of four nodes that hand a packet to each other inside the kernel, on no cable: whatever their tables say, it
 * has an end. Needs root.
 */
import { fingerprintOf, MacAddress } from '@berth/core';
import { nativeLink, SpreadTable } from '@berth/link';
import { expect } from 'chai';
import fc from 'fast-check';
import { buildAddon } from '../build.ts';
import { addressOf, frame, macBytes, type PacketPlan, TCP, tcp } from './support/packet-frames.ts';
import {
  CLIENT,
  CLIENT_MAC,
  CLIENT6,
  LOOPBACK,
  obstacleToSpreading,
  planOf,
  planOf6,
  rowsOf,
  SEED,
  services,
  VIP,
  VIP6,
} from './support/spread-frames.ts';

/** The client's frame, one that passes it on, one that gives it back. */
const MOST_ON_WIRE = 3;
const NUMBERS = [1, 2, 3, 4] as const;
const REDIRECTED = 7;
/** A circle ends the test at this. */
const ENOUGH = 100;

const fingerprintsOf = (sourcePort: number) =>
  [
    [CLIENT, VIP],
    [CLIENT6, VIP6],
  ].map(([source = '', destination = '']) =>
    fingerprintOf(
      {
        ...{ source: addressOf(source), destination: addressOf(destination) },
        ...{ sourcePort, destinationPort: 80, protocol: TCP },
      },
      SEED,
    ),
  );

interface Told {
  readonly target: number;
  readonly fallback: number;
  readonly next: number;
  readonly nextFallback: number;
  readonly stray: number;
}

const macOf = (number: number) => `00:00:5e:00:53:0${number}`;
const toLoopback = (bytes: Uint8Array) => Uint8Array.from(bytes).fill(0, 0, 6);

buildAddon();
const reason = obstacleToSpreading();
const suite = reason === undefined ? describe : describe.skip;

suite(`loops${reason === undefined ? '' : ` (cannot be had: ${reason})`}`, () => {
  const tables = new Map<number, SpreadTable>();

  before(() => {
    for (const number of NUMBERS) {
      const table = SpreadTable.open();
      table.attach(LOOPBACK, macNumbered(number));
      table.renew(600_000);
      tables.set(number, table);
    }
  });

  after(() => {
    for (const table of tables.values()) table.close();
  });

  function macNumbered(number: number): MacAddress {
    return MacAddress.fromBytes(macBytes(macOf(number))) ?? MacAddress.ZERO;
  }

  function tell(number: number, { target, stray, ...more }: Told, sourcePort: number): void {
    const others = NUMBERS.filter((one) => one !== number);
    tables.get(number)?.replace({
      ...{ self: number, seed: SEED, services: services(rowsOf(target, more)) },
      members: others.map((one) => ({ number: one, ifindex: LOOPBACK, mac: macNumbered(one) })),
    });
    const known = stray === 0 ? [] : fingerprintsOf(sourcePort);
    tables.get(number)?.setStrays(BigUint64Array.from(known), new Uint8Array(known.length).fill(stray));
  }

  /** Hands a frame from node to node; returns how often it is on the wire, the client's own sending included. */
  function timesOnWire(first: number, plan: PacketPlan): number {
    let bytes = frame(plan);
    let at = first;
    for (let times = 1; times < ENOUGH; times++) {
      const table = tables.get(at);
      if (!table) throw new Error(`sent to nobody: ${at}`);
      const result = new Uint8Array(bytes.length);
      const [verdict] = nativeLink().spreadTry(table.handle, toLoopback(bytes), result, 1);
      if (verdict !== REDIRECTED) return times;
      at = result[5] ?? 0;
      bytes = result;
    }
    return ENOUGH;
  }

  const number = () => fc.constantFrom(0, ...NUMBERS);
  const told = () =>
    fc.record({
      ...{ target: fc.constantFrom(...NUMBERS), fallback: number(), next: number(), nextFallback: number() },
      stray: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, number()),
    });
  const plans = () =>
    fc.record({
      mac: fc.oneof({ weight: 2, arbitrary: fc.constant(CLIENT_MAC) }, fc.constantFrom(...NUMBERS.map(macOf))),
      hops: fc.constantFrom(8, 9, 64, 255),
      flags: fc.constantFrom('SYN', 'ACK', 'ACK', 'ACK'),
      // What began at a node is remembered there.
      sourcePort: fc.integer({ min: 1, max: 65_535 }),
    });

  it('SP-14: whatever four nodes were told, and whoever seems to send: three times at most', () => {
    const seen = new Set<number>();
    fc.assert(
      fc.property(fc.tuple(told(), told(), told(), told()), plans(), (all, { mac, hops, flags, sourcePort }) => {
        for (const [index, one] of all.entries()) tell(index + 1, one, sourcePort);
        const payload = tcp(sourcePort, 80, flags as 'SYN' | 'ACK');
        for (const first of NUMBERS) {
          for (const plan of [planOf, planOf6]) {
            const times = timesOnWire(first, plan({ from: mac, hops, protocol: TCP, payload }));
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
