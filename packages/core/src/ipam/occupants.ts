// SPDX-License-Identifier: Apache-2.0
/**
 * Addresses that others have by what the cluster itself knows: Nodes, ends of their subnets, the ranges of pods and
 * Services, external IPs, and what other products show in statuses. None is given unasked, and who asks for one is
 * refused with the holder's name. Immutable.
 */
import { IntervalSet } from '../net/interval-set.ts';
import { IpAddress, type IpFamily } from '../net/ip-address.ts';
import type { IpRange } from '../net/ip-range.ts';
import type { ServiceKey } from '../service/kube-service.ts';

export interface Occupant {
  /** One address, or all of a range. */
  readonly at: IpAddress | IpRange;
  /** Whose it is, as the end of a sentence: `an address of node edge-1`. */
  readonly holder: string;
  /** The Service that has it so; it may ask for the address itself. */
  readonly service?: ServiceKey | undefined;
  /** The node whose own address it is. */
  readonly node?: string | undefined;
  /** Whether it is what a Service of ours shows, which may be taken over beside others that share it. */
  readonly isCandidate?: boolean;
}

export class Occupants {
  static readonly NONE = new Occupants([]);

  readonly all: readonly Occupant[];
  readonly #single = new Map<string, Occupant[]>();
  readonly #ranges: Occupant[] = [];
  readonly #closed: Readonly<Record<IpFamily, IntervalSet>> = { IPv4: new IntervalSet(), IPv6: new IntervalSet() };

  constructor(occupants: Iterable<Occupant>) {
    this.all = [...occupants];
    // In ascending order each one goes to the end of its set: whoever may edit Services can list a hundred thousand
    // addresses.
    for (const { first, occupant } of this.all.map(placed).sort(byFirst)) this.#add(occupant, first);
  }

  /** All addresses that somebody has. Not to be changed. */
  closed(family: IpFamily): IntervalSet {
    return this.#closed[family];
  }

  /**
   * Who has the address, other than this Service; a node before anybody else, and a Service of ours after everybody.
   */
  holderOf(address: IpAddress, service?: ServiceKey): Occupant | undefined {
    const single = this.#single.get(address.toString()) ?? [];
    const others = [...single, ...this.#ranges.filter(({ at }) => !(at instanceof IpAddress) && at.contains(address))];
    const strange = others.filter((one) => one.service === undefined || one.service !== service);
    return strange.find(({ node }) => node !== undefined) ?? strange.find((one) => !one.isCandidate) ?? strange[0];
  }

  #add(occupant: Occupant, first: bigint): void {
    const { at } = occupant;
    if (!(at instanceof IpAddress)) {
      this.#ranges.push(occupant);
      this.#closed[at.family].add(first, at.last.value);
      return;
    }
    const key = at.toString();
    const known = this.#single.get(key);
    if (known !== undefined) {
      known.push(occupant);
      return;
    }
    this.#single.set(key, [occupant]);
    this.#closed[at.family].add(first);
  }
}

interface Placed {
  readonly first: bigint;
  readonly occupant: Occupant;
}

function placed(occupant: Occupant): Placed {
  const { at } = occupant;
  return { first: at instanceof IpAddress ? at.value : at.first.value, occupant };
}

function byFirst({ first: one }: Placed, { first: other }: Placed): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
