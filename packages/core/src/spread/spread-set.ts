// SPDX-License-Identifier: Apache-2.0
/**
 * Who serves a VIP: the set of members, as its owner sends it to all (docs/design/0040-every-node-serves.md, section
 * 4). A set without a change under way is its committed members alone.
 */
import type { MacAddress } from '../net/mac-address.ts';
import type { ServeState } from '../wire/spread-message.ts';
import type { SpreadBy } from './flow-hash.ts';

export { MAX_SET_MEMBERS, MAX_WEIGHT, SERVE_STATES, type ServeState } from '../wire/spread-message.ts';

export interface SetMember {
  /** {@link nodeIdOf} its name. */
  readonly id: number;
  /** Of its interface in the segment. */
  readonly mac: MacAddress;
  readonly state: ServeState;
  /** 1 to {@link MAX_WEIGHT}: its share of new flows, beside the weights of the others. */
  readonly weight: number;
}

export interface SpreadSet {
  /** Of the list in which its owner sent it; grows with each change. */
  readonly version: number;
  readonly by: SpreadBy;
  /** In the order of ids. */
  readonly committed: readonly SetMember[];
  /** What is to be committed once all members know which flows live elsewhere. */
  readonly pending: readonly SetMember[] | undefined;
  /** How rows go once it is committed; undefined without a change under way. */
  readonly pendingBy: SpreadBy | undefined;
}

/** Whether two lists of members say the same. */
export function isSameMembers(a: readonly SetMember[], b: readonly SetMember[]): boolean {
  return a.length === b.length && a.every((one, index) => isSameMember(one, b[index]));
}

function isSameMember(a: SetMember, b: SetMember | undefined): boolean {
  return a.id === b?.id && a.state === b.state && a.weight === b.weight && a.mac.equals(b.mac);
}

/** Whether new flows go to the same members in the same shares. */
export function isSameServing(a: readonly SetMember[], b: readonly SetMember[]): boolean {
  const facts = (members: readonly SetMember[]) =>
    members
      .filter(({ state }) => state === 'serving' || state === 'silent')
      .map((one) => `${one.id} ${one.state} ${one.weight}`);
  return facts(a).join() === facts(b).join();
}

export function byId(a: SetMember, b: SetMember): number {
  return a.id - b.id;
}
