// SPDX-License-Identifier: Apache-2.0
/**
 * Who serves on one segment: gives the state machine of core what membership knows there, and carries out what it asks
 * for.
 */
import {
  initialSpread,
  type MembershipState,
  mayEnd,
  ownerOf,
  type SpreadAction,
  type SpreadEvent,
  type SpreadFellow,
  type SpreadSections,
  type SpreadState,
  type SpreadVip,
  stepSpread,
  takesPart,
} from '@berth/core';
import type { Clock } from '@berth/runtime';
import { fellowsOf, lateMembers } from './fellows-of.ts';
import type { NodeQuestions } from './node-questions.ts';
import type { ServedEverywhere } from './served-services.ts';

/** What is needed of a segment's membership. */
export interface SegmentMembership {
  readonly state: MembershipState;
  saySpread(sections: SpreadSections): void;
}

export interface SegmentSpreadOptions {
  readonly ifindex: number;
  readonly membership: SegmentMembership;
  readonly clock: Clock;
  /** Of the lists that it says; above all that this process said before. */
  readonly firstVersion: number;
  /** The VIPs that every node is to serve, by their text. */
  everywhere(): ReadonlyMap<string, ServedEverywhere>;
  /** With how much weight this node can take new flows of a VIP that it may own here; 0: it cannot. */
  weightOf(vip: ServedEverywhere): number;
  /** Values of which one is another whenever one of `everywhere`, `weightOf` and `isOwnerAlone` answers otherwise. */
  stamp(): readonly unknown[];
  /** Whether new flows of the VIP are its owner's alone, by what this node knows of itself. */
  isOwnerAlone(vip: string): boolean;
  /** What is in force has changed; followed before this returns. */
  onTable(): void;
  /** Connection tracking is to be read. */
  onRead(): void;
  /** Asks whether the kernel of a node goes on whose speaker is not heard; comes back as event `node-answers`. */
  readonly askNode: NodeQuestions['ask'];
  onCommitted(committed: Extract<SpreadAction, { type: 'committed' }>): void;
  /** The sets that this node reports as owner, why it serves alone, or which VIPs it has flows of, have changed. */
  onNews(): void;
}

/** A speaker that is heard and takes no part for so long, in milliseconds, is taken for one that cannot. */
const QUIET_FOR_MS = 5_000;
/** A speaker that fell silent by itself listens and is back after so long at most, in milliseconds. */
const LAPSE_MS = 2_000;
const NONE: readonly string[] = [];

export class SegmentSpread {
  readonly #options: SegmentSpreadOptions;
  #state: SpreadState;
  #vips = '';
  /** What the last look at the VIPs depended on. */
  #looked: readonly unknown[] = [];
  #fellows = '';
  #late = '';
  #setsVersion = 0;
  #servesVersion = 0;
  /** When this speaker was last active. */
  #activeMs = Number.NEGATIVE_INFINITY;
  /** Speakers that heard this one and were heard lately, by boot id. */
  readonly #togetherMs = new Map<string, { readonly fellow: SpreadFellow; readonly atMs: number }>();
  /** Since when speakers that are heard have taken no part, by boot id. */
  readonly #quietSinceMs = new Map<string, number>();
  /** Nodes that may own a VIP and take no part, by VIP. */
  #lacking: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(options: SegmentSpreadOptions) {
    this.#options = options;
    const { node, bootId, mac } = options.membership.state.self;
    this.#state = initialSpread({ node, bootId, mac }, options.firstVersion);
  }

  get ifindex(): number {
    return this.#options.ifindex;
  }

  get membership(): SegmentMembership {
    return this.#options.membership;
  }

  get state(): SpreadState {
    return this.#state;
  }

  /** Highest version of a list that it has said. */
  get lastVersion(): number {
    const { setsVersion, servesVersion, straysVersion } = this.#state;
    return Math.max(setsVersion, servesVersion, straysVersion);
  }

  /** Whether nothing would be lost if this node ended now. */
  get mayEnd(): boolean {
    return mayEnd(this.#state, this.#options.clock.now());
  }

  /**
   * Names of the nodes because of which the owner of a VIP serves it alone: they could own it next, and would not know
   * where flows live.
   */
  lackingFor(vip: string): readonly string[] {
    return this.#lacking.get(vip) ?? NONE;
  }

  /** Looks at membership anew. */
  follow(): void {
    const fellows = this.#fellowsNow();
    this.#noteQuiet(fellows);
    const text = fellows.map(({ bootId, mac }) => `${bootId} ${mac}`).join();
    if (text !== this.#fellows) {
      this.#fellows = text;
      this.give({ type: 'fellows', fellows });
    }
    this.#followLate();
    this.#followVips();
  }

  #followLate(): void {
    const bootIds = lateMembers(this.#options.membership.state, this.#options.clock.now());
    const text = bootIds.join();
    if (text === this.#late) return;
    this.#late = text;
    this.give({ type: 'late', bootIds });
  }

  // A speaker that was late stops answering, and says that it hears nobody, until it has listened again. The kernels of
  // both nodes go on meanwhile.
  #fellowsNow(): readonly SpreadFellow[] {
    const { state } = this.#options.membership;
    const nowMs = this.#options.clock.now();
    const together = fellowsOf(state, nowMs);
    if (state.phase !== 'listening') this.#activeMs = nowMs;
    for (const one of together) this.#togetherMs.set(one.bootId, { fellow: one, atMs: nowMs });
    const isOwnLapse = state.phase === 'listening' && nowMs - this.#activeMs < LAPSE_MS;
    const heard = new Set(state.members.map(({ bootId }) => bootId));
    for (const [bootId, { atMs }] of this.#togetherMs)
      if (nowMs - atMs >= LAPSE_MS || !(isOwnLapse || heard.has(bootId))) this.#togetherMs.delete(bootId);
    return [...this.#togetherMs.values()].map(({ fellow }) => fellow);
  }

  give(event: SpreadEvent): void {
    const { state, actions } = stepSpread(this.#state, event, this.#options.clock.now());
    this.#state = state;
    for (const action of actions) this.#carryOut(action);
    if (state.setsVersion === this.#setsVersion && state.servesVersion === this.#servesVersion) return;
    this.#setsVersion = state.setsVersion;
    this.#servesVersion = state.servesVersion;
    this.#options.onNews();
  }

  #noteQuiet(fellows: readonly SpreadFellow[]): void {
    const nowMs = this.#options.clock.now();
    const quiet = fellows.filter(({ bootId }) => {
      const peer = this.#state.peers.get(bootId);
      return peer === undefined || !takesPart(peer, nowMs);
    });
    const ids = new Set(quiet.map(({ bootId }) => bootId));
    for (const bootId of [...this.#quietSinceMs.keys()]) if (!ids.has(bootId)) this.#quietSinceMs.delete(bootId);
    for (const bootId of ids) if (!this.#quietSinceMs.has(bootId)) this.#quietSinceMs.set(bootId, nowMs);
    const isOld = ({ bootId }: SpreadFellow) => nowMs - (this.#quietSinceMs.get(bootId) ?? nowMs) >= QUIET_FOR_MS;
    this.#lacking = this.#lackingBy(new Set(quiet.filter(isOld).map(({ node }) => node)));
  }

  #lackingBy(nodes: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
    const lacking = new Map<string, readonly string[]>();
    if (nodes.size === 0) return lacking;
    const { desired } = this.#options.membership.state;
    for (const text of this.#options.everywhere().keys()) {
      const names = (desired.get(text)?.candidates ?? []).flatMap(({ node }) => (nodes.has(node) ? [node] : []));
      if (names.length > 0) lacking.set(text, names);
    }
    return lacking;
  }

  // With thousands of VIPs nearly every look would find the same, many times a second.
  #followVips(): void {
    const { desired, claims, members } = this.#options.membership.state;
    const ofMembers = members.flatMap((one) => [one.bootId, one.claims, one.darkSinceMs]);
    const lacking = [...this.#lacking].map(([vip, nodes]) => `${vip} ${nodes}`).join();
    const looked = [desired, claims, lacking, ...this.#options.stamp(), ...ofMembers];
    if (looked.length === this.#looked.length && looked.every((one, index) => one === this.#looked[index])) return;
    this.#looked = looked;
    const vips = this.#vipsNow();
    const text = vips.map(({ vip, by, weight, owner, serve }) => `${vip} ${by} ${weight} ${owner} ${serve}`).join();
    if (text === this.#vips) return;
    this.#vips = text;
    this.give({ type: 'vips', vips });
    this.#options.onNews();
  }

  #vipsNow(): SpreadVip[] {
    const { state } = this.#options.membership;
    const vips: SpreadVip[] = [];
    for (const [text, about] of this.#options.everywhere()) {
      const desired = state.desired.get(text);
      if (desired === undefined) continue;
      const { vip, by } = about;
      const mayServe = desired.candidates.some(
        ({ node, standing }) => node === state.self.node && standing === 'eligible',
      );
      const weight = mayServe ? this.#options.weightOf(about) : 0;
      const isAlone = this.#lacking.has(text) || this.#options.isOwnerAlone(text);
      const serve = isAlone ? 'owner' : 'every-node';
      vips.push({ vip, by, weight, serve, owner: ownerOf(state, text)?.bootId });
    }
    return vips;
  }

  #carryOut(action: SpreadAction): void {
    switch (action.type) {
      case 'table':
        this.#options.onTable();
        break;
      case 'send':
        for (const sections of action.bodies) this.#options.membership.saySpread(sections);
        break;
      case 'read':
        this.#options.onRead();
        break;
      case 'ask':
        this.#options.askNode(action);
        break;
      case 'committed':
        this.#options.onCommitted(action);
        break;
    }
  }
}
