// SPDX-License-Identifier: Apache-2.0
/** A program that spreads, fed with frames inside the kernel on no cable: this node is number 1, others are 2 to 4. */

import { MacAddress } from '@berth/core';
import { type SpreadMember, type SpreadRows, type SpreadService, SpreadTable } from '@berth/link';
import { nativeLink } from '../../src/native.ts';
import { addressOf, frame, macBytes, type PacketPlan, TCP, tcp, UDP } from './packet-frames.ts';

/** Test runs seem to come in by the loopback interface. */
export const LOOPBACK = 1;
export const SELF = 1;
/** A frame to it is one to this host. */
const LOOPBACK_MAC = '00:00:00:00:00:00';
export const OWN_MAC = '00:00:5e:00:53:01';
export const MEMBER_MACS: Readonly<Record<number, string>> = {
  2: '00:00:5e:00:53:02',
  3: '00:00:5e:00:53:03',
  4: '00:00:5e:00:53:04',
};
export const CLIENT_MAC = '00:00:5e:00:53:99';
export const ROUTER_MAC = '00:00:5e:00:53:98';
export const CLIENT = '198.51.100.7';
export const VIP = '203.0.113.20';
export const CLIENT6 = '2001:db8:1::7';
export const VIP6 = '2001:db8:5::20';
export const SEED = 0x0123_4567_89ab_cdefn;

const REDIRECTED = 7;
const PASSED_ON = -1;

/** The same in each row. */
export function rowsOf(
  target: number,
  more: { fallback?: number; next?: number; nextFallback?: number } = {},
  count = 4096,
): SpreadRows {
  const fill = (number: number) => new Uint8Array(count).fill(number);
  return {
    targets: fill(target),
    fallbacks: fill(more.fallback ?? 0),
    nexts: fill(more.next ?? 0),
    nextFallbacks: fill(more.nextFallback ?? 0),
  };
}

/** A row each, by a function of its number. */
export function rowsBy(targetOf: (row: number) => number): SpreadRows {
  return { ...rowsOf(0), targets: Uint8Array.from({ length: 4096 }, (_, row) => targetOf(row)) };
}

export function members(...numbers: readonly number[]): SpreadMember[] {
  return numbers.map((number) => {
    const mac = MacAddress.fromBytes(macBytes(MEMBER_MACS[number] ?? ''));
    if (!mac) throw new Error(`no member ${number}`);
    return { number, ifindex: LOOPBACK, mac };
  });
}

/** Port 80 of both VIPs, for all protocols. */
export function services(rows: SpreadRows, by: 'flow' | 'client' = 'flow'): SpreadService[] {
  return [VIP, VIP6].flatMap((vip) =>
    (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => ({
      ...{ ifindex: LOOPBACK, vip: addressOf(vip), protocol, port: 80 },
      ...{ by, rows },
    })),
  );
}

/** From the client to port 80 of the VIP over IPv4, but for what is said. */
export function planOf(plan: Partial<PacketPlan> = {}): PacketPlan {
  return {
    ...{ to: LOOPBACK_MAC, from: CLIENT_MAC, source: CLIENT, destination: VIP },
    ...{ protocol: TCP, payload: tcp(40000, 80, 'ACK') },
    ...plan,
  };
}

/** The same over IPv6. */
export function planOf6(plan: Partial<PacketPlan> = {}): PacketPlan {
  return planOf({ source: CLIENT6, destination: VIP6, ...plan });
}

/** What became of a frame: it was left to this node, or leaves as `bytes`. */
export type Passage = { readonly sent: false } | { readonly sent: true; readonly bytes: Uint8Array };

export class SpreadProgram {
  readonly table: SpreadTable;

  private constructor(table: SpreadTable) {
    this.table = table;
  }

  /** With tables that count for a minute, and this node's MAC on the loopback interface. */
  static open(): SpreadProgram {
    const table = SpreadTable.open();
    const mac = MacAddress.fromBytes(macBytes(OWN_MAC));
    table.attach(LOOPBACK, mac ?? MacAddress.ZERO);
    table.renew(60_000);
    return new SpreadProgram(table);
  }

  tell(rows: SpreadRows, by: 'flow' | 'client' = 'flow', numbers: readonly number[] = [2, 3, 4]): void {
    this.table.replace({ self: SELF, seed: SEED, members: members(...numbers), services: services(rows, by) });
  }

  /** Throws when the frame was changed though it was not sent. */
  run(bytes: Uint8Array): Passage {
    const result = new Uint8Array(bytes.length + 64);
    const [verdict, length] = nativeLink().spreadTry(this.table.handle, bytes, result, 1);
    const after = result.slice(0, length);
    if (verdict === REDIRECTED) return { sent: true, bytes: after };
    if (verdict !== PASSED_ON || Buffer.compare(after, bytes) !== 0)
      throw new Error(`verdict ${verdict}, or a changed frame`);
    return { sent: false };
  }

  /**
   * The number of the node that a packet is sent on to; 0 when it is left here. Throws when anything but the MACs was
   * changed.
   */
  place(plan: PacketPlan): number {
    const before = frame(plan);
    const passage = this.run(before);
    if (!passage.sent) return 0;
    const rest = (bytes: Uint8Array) => Buffer.from(bytes.subarray(12)).toString('hex');
    const isWhole = rest(before) === rest(passage.bytes) && macAt(passage.bytes, 6) === OWN_MAC;
    const to = macAt(passage.bytes, 0);
    const number = Object.keys(MEMBER_MACS)
      .map(Number)
      .find((one) => MEMBER_MACS[one] === to);
    if (!isWhole || number === undefined) throw new Error(`sent to ${to}, changed`);
    return number;
  }

  /** Nanoseconds for one run on a packet, of so many. */
  timeOf(plan: PacketPlan, times: number): number {
    const bytes = frame(plan);
    const [, , nanoseconds] = nativeLink().spreadTry(this.table.handle, bytes, new Uint8Array(bytes.length), times);
    return nanoseconds;
  }

  close(): void {
    this.table.close();
  }
}

function macAt(bytes: Uint8Array, at: number): string {
  return [...bytes.subarray(at, at + 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** Why the program cannot be had here; undefined where it can. */
export function obstacleToSpreading(): string | undefined {
  try {
    SpreadProgram.open().close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

export { UDP };
