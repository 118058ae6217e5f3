// SPDX-License-Identifier: Apache-2.0
/** What tests of planned moves share: a VIP that its owner serves alone, and connections of it. */
import { fingerprintOf, nodeIdOf } from '@berth/core';
import type { ConntrackFlows } from '@berth/link';
import type { FakeClock } from '@berth/runtime/testing';
import type { Offer } from '../../membership/memberships-options.ts';
import { ip } from '../../testing.ts';
import { bootIdOf, CLUSTER, NAMES, type Played, pass, SERVICE, VIP } from './spread-cable.ts';

export const ASKS_NOT = { ...SERVICE, metadata: { ...SERVICE.metadata, annotations: {} } };
export const move = (to: string): Offer => ({ ifindex: 4, vip: ip(VIP), to: bootIdOf(to), isOnlyUnbroken: false });
export const onlyUnbroken = (to: string): Offer => ({ ...move(to), isOnlyUnbroken: true });

/** So many connections of one client, from this port on. */
export function flowsFrom(port: number, count: number): ConntrackFlows {
  const flow = { source: ip('198.51.100.7'), destination: ip(VIP), destinationPort: 80, protocol: 6 };
  const seed = BigInt(`0x${CLUSTER}`);
  const fingerprints = Array.from({ length: count }, (_, index) =>
    fingerprintOf({ ...flow, sourcePort: port + index }, seed),
  );
  return {
    ...{ fingerprints: BigUint64Array.from(fingerprints), services: new Uint16Array(count) },
    ...{ rows: new Uint16Array(count), total: count, max: 1_000 },
  };
}

export function nodeIn(all: ReadonlyMap<string, Played>, name: string): Played {
  const one = all.get(name);
  if (!one) throw new Error(`no ${name}`);
  return one;
}

/** Asks as membership does, until it may be offered; how long that took. */
export async function untilOffered(clock: FakeClock, { spreading }: Played, to: string): Promise<number> {
  const startMs = clock.now();
  while (!spreading.mayOffer(move(to)) && clock.now() - startMs < 10_000) await pass(clock, 30);
  return clock.now() - startMs;
}

/** Who is in the set by the word of an owner, as `node state`. */
export function setBy({ spreading }: Played): readonly string[] {
  const names = new Map(NAMES.map((name) => [nodeIdOf(name), name]));
  const members = spreading.segments[0]?.state.owned.get(VIP)?.set.committed ?? [];
  return members.map(({ id, state }) => `${names.get(id)} ${state}`).sort();
}

export const loaded = (all: ReadonlyMap<string, Played>): boolean[] =>
  [...all.values()].map(({ table }) => table.attached.length > 0 && table.isOpen);
