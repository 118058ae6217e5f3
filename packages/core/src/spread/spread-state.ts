// SPDX-License-Identifier: Apache-2.0
/**
 * What one node knows of who serves on one segment. Immutable: a step makes a new one and shares what did not change.
 */

import type { Assembly } from '../membership/list-assembly.ts';
import type { MacAddress } from '../net/mac-address.ts';
import type { WireHas, WireServe, WireSet, WireStrays } from '../wire/spread-message.ts';
import type { OwnFlows, SpreadVip } from './spread-event.ts';
import { nodeIdOf } from './spread-rows.ts';
import type { SpreadSet } from './spread-set.ts';

export interface SpreadSelf {
  readonly node: string;
  readonly bootId: string;
  readonly mac: MacAddress;
  /** {@link nodeIdOf} its name. */
  readonly id: number;
}

/** A list of another speaker: what is complete, the version that it named last, and what is under way. */
export interface HeardList<Known, Entry> {
  readonly known: Known;
  /** Undefined: none is complete. */
  readonly version: number | undefined;
  readonly assembly: Assembly<Entry> | undefined;
}

export interface SpreadPeer {
  readonly bootId: string;
  readonly node: string;
  readonly mac: MacAddress;
  readonly id: number;
  /** When a digest of it was last heard; undefined: it does not take part. */
  readonly heardMs: number | undefined;
  readonly serves: HeardList<ReadonlyMap<string, WireServe>, WireServe>;
  readonly sets: HeardList<ReadonlyMap<string, SpreadSet>, WireSet>;
  /** By the id of the node at which the flows live. */
  readonly strays: HeardList<ReadonlyMap<number, BigUint64Array>, WireStrays>;
  /** Version of its strays that it named last. */
  readonly straysSaid: number;
  /** What it has of others, by boot id. */
  readonly has: ReadonlyMap<string, WireHas>;
}

/** What is known of the kernel of a node whose speaker is not there. */
export interface AskedKernel {
  /** How often it was asked since it last answered, and when. */
  readonly unanswered: number;
  readonly askedMs: number;
  /** Undefined: it has not answered since its speaker was late, or ended. */
  readonly answeredMs: number | undefined;
}

/** A node whose speaker ended in order. */
export interface AwayNode extends AskedKernel {
  readonly id: number;
  /** Undefined: it was never heard here. */
  readonly node: string | undefined;
  readonly mac: MacAddress;
  readonly sinceMs: number;
  readonly strays: BigUint64Array;
}

/** A node whose speaker is late, or lost without a goodbye. */
export interface UnheardNode extends AskedKernel {
  readonly id: number;
  /** Undefined: it was never heard here. */
  readonly node: string | undefined;
  readonly mac: MacAddress;
  /** Since when its speaker counts as lost; undefined: it is only late. */
  readonly lostMs: number | undefined;
  /** What it told last. */
  readonly strays: BigUint64Array;
}

/** The set of a VIP that this node owns. */
export interface OwnSet {
  readonly set: SpreadSet;
  /** When the change began that is under way, and with which version of the list. */
  readonly pendingSinceMs: number;
  readonly pendingVersion: number;
  /** Since when another set would be right; undefined while this one is. */
  readonly wishedSinceMs: number | undefined;
  readonly committedMs: number;
  /** What was so when this set was last found to be right; undefined: it is to be looked at. */
  readonly right: { readonly facts: string; readonly about: SpreadVip } | undefined;
}

/** The set of a VIP as its owner told it. */
export interface KnownSet {
  readonly set: SpreadSet;
  readonly from: string;
  /** When its owner was last heard to say so. */
  readonly freshMs: number;
}

export interface SpreadState {
  readonly self: SpreadSelf;
  readonly phase: 'starting' | 'taking-part' | 'leaving';
  readonly vips: ReadonlyMap<string, SpreadVip>;
  readonly peers: ReadonlyMap<string, SpreadPeer>;
  readonly away: ReadonlyMap<number, AwayNode>;
  /** By id. */
  readonly unheard: ReadonlyMap<number, UnheardNode>;
  readonly owned: ReadonlyMap<string, OwnSet>;
  readonly known: ReadonlyMap<string, KnownSet>;
  readonly setsVersion: number;
  readonly servesVersion: number;
  readonly tickedMs: number;
  /** Ids of the nodes that are away of which this node tells strays. */
  readonly awaySaid: string;
  /** What the last list of `serves` said, to see when it changes. */
  readonly servesSaid: string;
  readonly flows: OwnFlows;
  /** When the reading began that brought them. */
  readonly flowsMs: number;
  /** Flows of this node whose hash names another one, ascending. */
  readonly strays: BigUint64Array;
  readonly straysVersion: number;
  /** Connection tracking is being read since then, to tell for these versions of sets, by owner. */
  readonly reading: { readonly sinceMs: number; readonly covers: ReadonlyMap<string, number> } | undefined;
  /** By owner: the version of its sets for which this node has told its flows, and since when the last one is here. */
  readonly told: ReadonlyMap<string, number>;
  readonly arrivedMs: ReadonlyMap<string, { readonly version: number; readonly atMs: number }>;
  /** When a change was last seen to be committed, by this node or another owner. */
  readonly commitMs: number;
  /** When connection tracking is to be read again; undefined: when something changes. */
  readonly readAtMs: number | undefined;
  /** When a reading failed last. */
  readonly readFailedMs: number;
  readonly listedMs: number;
  readonly straysListedMs: number;
  readonly digestMs: number;
  /** Lists, strays and digest that changed since they went out. */
  readonly due: { readonly lists: boolean; readonly strays: boolean; readonly digest: boolean };
}

const NEVER = Number.NEGATIVE_INFINITY;
/** A kernel that was not asked yet. */
export const NOT_ASKED: AskedKernel = { unanswered: 0, askedMs: NEVER, answeredMs: undefined };
export const NO_FLOWS: OwnFlows = {
  fingerprints: new BigUint64Array(),
  services: new Uint16Array(),
  clientRows: new Uint16Array(),
  vips: [],
};

/**
 * A node that knows nothing yet. `firstVersion`: of its lists; above all that this process ever said, since others
 * remember what they have of it.
 */
export function initialSpread(self: Omit<SpreadSelf, 'id'>, firstVersion = 1): SpreadState {
  return {
    self: { ...self, id: nodeIdOf(self.node) },
    phase: 'starting',
    vips: new Map(),
    peers: new Map(),
    away: new Map(),
    unheard: new Map(),
    owned: new Map(),
    known: new Map(),
    ...{ setsVersion: firstVersion, servesVersion: firstVersion, straysVersion: firstVersion },
    ...{ servesSaid: '', awaySaid: '' },
    ...{ flows: NO_FLOWS, flowsMs: NEVER, strays: new BigUint64Array() },
    reading: undefined,
    told: new Map(),
    arrivedMs: new Map(),
    ...{ readAtMs: NEVER, readFailedMs: NEVER },
    ...{ tickedMs: NEVER, commitMs: NEVER, listedMs: NEVER, straysListedMs: NEVER, digestMs: NEVER },
    due: { lists: true, strays: true, digest: true },
  };
}

/**
 * The set of a VIP that holds at this node: its own, or what the owner told lately. Undefined: frames stay where they
 * arrive.
 */
export function setInForce(state: SpreadState, vip: string, nowMs: number): SpreadSet | undefined {
  const own = state.owned.get(vip);
  if (own) return own.set;
  const known = state.known.get(vip);
  return known && nowMs - known.freshMs < KNOWN_FOR_MS ? known.set : undefined;
}

/**
 * Version of the sets of an owner by which this node goes; undefined while it does not take that one for the owner of
 * each of their VIPs that it follows: it goes by no set of who is not known to own the VIP ({@link followSets}).
 */
export function setsVersionInForce({ vips }: SpreadState, { bootId, sets }: SpreadPeer): number | undefined {
  const isOwner = (vip: string) => {
    const about = vips.get(vip);
    return about === undefined || about.owner === bootId;
  };
  return [...sets.known.keys()].every(isOwner) ? sets.version : undefined;
}

/** A set that nobody repeats holds for so long: an owner that ends is followed by then. */
export const KNOWN_FOR_MS = 2_000;

/** Flows that began while a change was committed are read so long after it once more, in milliseconds. */
export const READ_AFTER_COMMIT_MS = 1_000;
/**
 * A VIP is handed over on purpose so long after its last commit, in milliseconds: by then all know what began during
 * the change.
 */
const SETTLED_AFTER_MS = 1_200;

/**
 * Whether a VIP may be handed over on purpose: nothing is under way, and what began during the last change is known.
 */
export function isSettled({ owned }: SpreadState, vip: string, nowMs: number): boolean {
  const own = owned.get(vip);
  return own === undefined || (own.set.pending === undefined && nowMs - own.committedMs >= SETTLED_AFTER_MS);
}
