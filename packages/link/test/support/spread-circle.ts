// SPDX-License-Identifier: Apache-2.0
/**
 * Programs of four nodes, numbered from 1, that hand a packet to each other inside the kernel, on no cable, each by
 * tables of its own. Needs root.
 */
import { fingerprintOf, MacAddress } from '@berth/core';
import { nativeLink, SpreadTable } from '@berth/link';
import { addressOf, frame, macBytes, type PacketPlan, TCP } from './packet-frames.ts';
import { CLIENT, CLIENT6, LOOPBACK, rowsOf, SEED, services, VIP, VIP6 } from './spread-frames.ts';

export const CIRCLE = [1, 2, 3, 4] as const;
const REDIRECTED = 7;
/** A circle ends at this. */
const ENOUGH = 100;

/** What a node goes by; 0: no one. A stray of this number is known for the flow that is handed round. */
export interface Told {
  readonly target: number;
  readonly fallback: number;
  readonly next: number;
  readonly nextFallback: number;
  readonly stray: number;
}

export const macOfNode = (number: number) => `00:00:5e:00:53:0${number}`;

export class SpreadCircle {
  readonly #tables = new Map<number, SpreadTable>();

  static open(): SpreadCircle {
    const circle = new SpreadCircle();
    for (const number of CIRCLE) {
      const table = SpreadTable.open();
      table.attach(LOOPBACK, macNumbered(number));
      table.renew(600_000);
      circle.#tables.set(number, table);
    }
    return circle;
  }

  close(): void {
    for (const table of this.#tables.values()) table.close();
  }

  /** For the client's flow from a port. */
  tell(number: number, { target, stray, ...more }: Told, sourcePort: number): void {
    const others = CIRCLE.filter((one) => one !== number);
    this.#tables.get(number)?.replace({
      ...{ self: number, seed: SEED, services: services(rowsOf(target, more)) },
      members: others.map((one) => ({ number: one, ifindex: LOOPBACK, mac: macNumbered(one) })),
    });
    const known = stray === 0 ? [] : fingerprintsOf(sourcePort);
    this.#tables.get(number)?.setStrays(BigUint64Array.from(known), new Uint8Array(known.length).fill(stray));
  }

  /** Hands a frame from node to node; returns how often it is on the wire, the client's own sending included. */
  timesOnWire(first: number, plan: PacketPlan): number {
    let bytes = frame(plan);
    let at = first;
    for (let times = 1; times < ENOUGH; times++) {
      const table = this.#tables.get(at);
      if (!table) throw new Error(`sent to nobody: ${at}`);
      const result = new Uint8Array(bytes.length);
      const [verdict] = nativeLink().spreadTry(table.handle, toLoopback(bytes), result, 1);
      if (verdict !== REDIRECTED) return times;
      at = result[5] ?? 0;
      bytes = result;
    }
    return ENOUGH;
  }
}

function macNumbered(number: number): MacAddress {
  return MacAddress.fromBytes(macBytes(macOfNode(number))) ?? MacAddress.ZERO;
}

function fingerprintsOf(sourcePort: number): bigint[] {
  const ways = [
    [CLIENT, VIP],
    [CLIENT6, VIP6],
  ];
  return ways.map(([source = '', destination = '']) => {
    const addresses = { source: addressOf(source), destination: addressOf(destination) };
    return fingerprintOf({ ...addresses, sourcePort, destinationPort: 80, protocol: TCP }, SEED);
  });
}

const toLoopback = (bytes: Uint8Array) => Uint8Array.from(bytes).fill(0, 0, 6);
