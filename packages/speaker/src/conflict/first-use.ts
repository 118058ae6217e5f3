// SPDX-License-Identifier: Apache-2.0
/**
 * Stands between membership and the wire: a VIP that falls to this node and was never used before is claimed among
 * members, but neither answered nor announced until it is known that no stranger uses it. A VIP that was in use is let
 * through at once, whatever it comes by: a crash, a hand-over, a restart.
 */
import type { IpAddress, NodeFacts, NotAnnounced } from '@berth/core';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { Segment } from '../layer2/segments.ts';
import type { OwnedVip } from '../layer2/wire.ts';
import type { Memberships } from '../membership/memberships.ts';
import type { JoinedSegment } from '../membership/node-state.ts';
import type { AddressClearance } from './address-clearance.ts';

/** The first term of a VIP: as far as is heard, no one ever owned it. */
const FIRST_TERM = 1;

/** A segment by which VIPs are asked for on the wire. */
export type WiredSegment = JoinedSegment & { readonly segment: Segment };

export interface FirstUseOptions {
  readonly memberships: Pick<Memberships, 'open' | 'want' | 'owned' | 'answeringChanged' | 'close'>;
  joined(): readonly WiredSegment[];
  readonly clearance: Pick<AddressClearance, 'ask' | 'stateOf'>;
}

/** Membership as the speaker sees it. */
export class FirstUse {
  readonly #options: FirstUseOptions;
  /** VIPs that this process has answered for, as long as the cluster wants them; by interface. */
  readonly #used = new Map<string, Set<string>>();
  #wanted: readonly WantedVip[] = [];
  /** Those of them that were announced before, by whomever; undefined until somebody asks. */
  #announced: ReadonlySet<string> | undefined;
  #waiting: NotAnnounced[] = [];

  constructor(options: FirstUseOptions) {
    this.#options = options;
  }

  /** VIPs that this node owns and does not answer for yet, on one interface at least. */
  get waiting(): readonly NotAnnounced[] {
    return this.#waiting;
  }

  /** Whether this process answers for the VIP, or did so while the cluster last wanted it. */
  hasAnswered(vip: IpAddress): boolean {
    return [...this.#used.values()].some((used) => used.has(String(vip)));
  }

  open(): void {
    this.#options.memberships.open();
  }

  close(): void {
    this.#options.memberships.close();
  }

  want(wanted: readonly WantedVip[], nodes: Iterable<NodeFacts>): void {
    this.#wanted = wanted;
    this.#announced = undefined;
    this.#options.memberships.want(wanted, nodes);
  }

  answeringChanged(): void {
    this.#options.memberships.answeringChanged();
  }

  /** The VIPs to answer for now, each on the interfaces where it is clear. */
  owned(): OwnedVip[] {
    const joined = new Map(this.#options.joined().map((one) => [one.segment.ifname, one]));
    this.#waiting = [];
    let pairs = 0;
    const answered = this.#options.memberships.owned().flatMap((one): OwnedVip[] => {
      const open = one.interfaces.filter((ifname) => this.#mayAnswer(one.vip, joined.get(ifname)));
      for (const ifname of open) this.#usedOn(ifname).add(String(one.vip));
      pairs += open.length;
      if (open.length === 0) return [];
      return [open.length === one.interfaces.length ? one : { ...one, interfaces: open }];
    });
    const remembered = [...this.#used.values()].reduce((sum, { size }) => sum + size, 0);
    if (remembered > pairs) this.#forgetUnwanted();
    return answered;
  }

  #mayAnswer(vip: IpAddress, where: WiredSegment | undefined): boolean {
    if (where === undefined) return false;
    const { segment, loop } = where;
    const key = String(vip);
    const isFirst = loop.state.claims.get(key)?.term === FIRST_TERM;
    if (!isFirst || this.#usedOn(segment.ifname).has(key) || this.#wasAnnounced(key)) return true;
    const { clearance } = this.#options;
    clearance.ask(vip, segment, 'at-need');
    const state = clearance.stateOf(vip, segment.ifindex);
    if (state === 'clear') return true;
    this.#waiting.push({ vip, why: state === 'conflict' ? 'conflict' : 'probing' });
    return false;
  }

  #usedOn(ifname: string): Set<string> {
    const used = this.#used.get(ifname) ?? new Set();
    this.#used.set(ifname, used);
    return used;
  }

  #wasAnnounced(key: string): boolean {
    this.#announced ??= new Set(this.#wanted.filter(({ wasAnnounced }) => wasAnnounced).map(({ vip }) => String(vip)));
    return this.#announced.has(key);
  }

  #forgetUnwanted(): void {
    const wanted = new Set(this.#wanted.map(({ vip }) => String(vip)));
    for (const used of this.#used.values()) for (const key of used) if (!wanted.has(key)) used.delete(key);
  }
}
