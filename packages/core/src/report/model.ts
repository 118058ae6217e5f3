// SPDX-License-Identifier: Apache-2.0
/**
 * What people are shown of a cluster: one model for `kubectl berth` and its dashboard. Everything in it is plain JSON,
 * so that it can be recorded and sent. Times are milliseconds since 1970; counts that no JSON number holds exactly are
 * decimal text.
 */
import type { AddressUser, MemberState, NodeState, OwnedReason, SegmentAnswer } from '../node-state/node-state.ts';
import type { Moved } from '../node-state/succession.ts';

/** All that is shown of this moment. */
export interface ClusterReport {
  /** When it was made, by the clock of whoever made it. */
  readonly atMs: number;
  /** The most severe first, then by id. */
  readonly problems: readonly Problem[];
  /** By name. */
  readonly nodes: readonly NodeRow[];
  /** By the name of the interface. */
  readonly hearing: readonly HearingMatrix[];
  /** By name and family. */
  readonly pools: readonly PoolRow[];
  /** By address and Service. */
  readonly vips: readonly VipRow[];
  readonly configuration: ConfigurationRow;
  /**
   * A node whose heartbeat is so many milliseconds late stops answering; by the default timing, since no report tells
   * another.
   */
  readonly fenceMs: number;
  /** Which replica leads; undefined: none is known. */
  readonly leader: LeaderRow | undefined;
}

/**
 * `critical`: clients are without an answer, or will be soon; `warning`: something is not as it should be; `info`:
 * worth knowing.
 */
export type Severity = 'critical' | 'warning' | 'info';

export type ProblemKind =
  | 'no-speaker'
  | 'no-leader'
  | 'node-silent'
  | 'node-unreadable'
  | 'node-without-speaker'
  | 'node-ineligible'
  | 'node-unfit'
  | 'one-way'
  | 'heartbeats-lost'
  | 'cut-off'
  | 'node-not-reached'
  | 'heartbeats-late'
  | 'multicast-filtered'
  | 'raw-frames-filtered'
  | 'answer-degraded'
  | 'answers-for-others'
  | 'keys-differ'
  | 'conflict'
  | 'unreachable'
  | 'not-announced'
  | 'outside-subnet'
  | 'report-cut'
  | 'configuration-refused'
  | 'no-configuration'
  | 'pool-full'
  | 'pool-nearly-full'
  | 'no-address'
  | 'quarantine'
  | 'flapping';

/** Something that is not as it should be, in the words that every part of Berth uses for it. */
export interface Problem {
  /** The same as long as it is the same problem: its kind and what it is about. */
  readonly id: string;
  readonly kind: ProblemKind;
  readonly severity: Severity;
  /** One sentence without a full stop. */
  readonly text: string;
  /** Undefined: not known. */
  readonly sinceMs: number | undefined;
  readonly nodes: readonly string[];
  readonly vips: readonly string[];
  /** Keys: `namespace/name`. */
  readonly services: readonly string[];
  readonly pools: readonly string[];
  /** Path of the runbook in the repository, such as `docs/runbooks/BerthHeartbeatsLost.md`. */
  readonly runbook: string;
  /** The command that ends it, or that shows more where none ends it. */
  readonly command: string | undefined;
}

/** What one node says of itself, and what the cluster says of it. */
export interface NodeRow {
  readonly node: string;
  /** `absent`: a Node without a report. */
  readonly freshness: 'fresh' | 'stale' | 'absent';
  /** Why its report cannot be read. */
  readonly unreadable: string | undefined;
  /** When it wrote last, by its own clock. */
  readonly seenMs: number | undefined;
  readonly bootId: string | undefined;
  readonly engine: string | undefined;
  readonly transport: string | undefined;
  readonly fitness: 'fit' | 'unfit' | undefined;
  /** Why it may own nothing; empty when it may. */
  readonly ineligible: string;
  /** What the Node object says; undefined without one. */
  readonly isReady: boolean | undefined;
  readonly isSchedulable: boolean | undefined;
  /** VIPs that it answers for, each once. */
  readonly load: number;
  /** How late heartbeats were, in milliseconds, and how often it fell silent because of that since it started. */
  readonly latestMs: number | undefined;
  readonly lapses: number | undefined;
  /** When it fell silent last because of that; undefined: never, or an older speaker, which does not say. */
  readonly lapsedMs: number | undefined;
  readonly interfaces: readonly InterfaceRow[];
}

export interface InterfaceRow {
  readonly name: string;
  readonly mac: string;
  readonly phase: NodeState['segments'][number]['phase'];
  /** VIPs that are answered there. */
  readonly load: number;
  /** How many others are heard. */
  readonly hears: number;
  readonly isCutOff: boolean;
  readonly answer: SegmentAnswer | undefined;
}

/** Who hears whom by one interface name. */
export interface HearingMatrix {
  readonly interface: string;
  /** Rows and columns, by name. */
  readonly nodes: readonly string[];
  /** `cells[row][column]`: how the node of the row hears that of the column. */
  readonly cells: readonly (readonly HearingCell[])[];
}

export interface HearingCell {
  /**
   * `both`: they hear each other; `one-way`: the row hears the column and not the other way round; `deaf`: the column
   * says that it hears the row and the row does not hear it; `lost`: no heartbeats come, but it answers; `none`: not
   * heard; `self`; `unknown`: the row says nothing (no report).
   */
  readonly state: 'self' | 'both' | 'one-way' | 'deaf' | 'lost' | 'none' | 'unknown';
  readonly way: MemberState['way'];
}

export interface PoolRow {
  readonly pool: string;
  readonly family: 'IPv4' | 'IPv6';
  /** As written. */
  readonly addresses: readonly string[];
  /** Decimal text: a /64 has more than a JSON number holds. */
  readonly total: string;
  readonly used: string;
  readonly cooling: string;
  readonly quarantined: string;
  readonly free: string;
  /** Part that is not free, 0 to 1. */
  readonly fill: number;
  readonly forecast: PoolForecast;
}

/** When it will be full if as many addresses are given as in the last days. */
export interface PoolForecast {
  /** `steady`: nothing was given lately; `filling`; `full`. */
  readonly trend: 'steady' | 'filling' | 'full';
  /** Addresses of Services that were made in the last {@link PoolForecast.days} days and are still there. */
  readonly given: number;
  readonly days: number;
  /** Undefined: not within ten years. */
  readonly fullAtMs: number | undefined;
}

/** A VIP, its Services and its owner. A VIP with an owner on two segments has two claims. */
export interface VipRow {
  readonly vip: string;
  readonly family: 'IPv4' | 'IPv6';
  /** Keys of the Services that show it. */
  readonly services: readonly string[];
  /** Undefined: in no pool of the configuration in force. */
  readonly pool: string | undefined;
  readonly claims: readonly ClaimRow[];
  /** Nodes whose kube-proxy may serve it: those with a usable endpoint where the policy is Local, else `any`. */
  readonly servedBy: 'any' | readonly string[];
  readonly reachable: 'yes' | 'no' | 'unknown';
  /** Why it is not, or is not known to be, in the words of the condition; empty when all is well. */
  readonly reachableText: string;
  /** Why no one answers; undefined when somebody does. */
  readonly silent: string | undefined;
}

export interface ClaimRow {
  readonly node: string;
  readonly interface: string;
  readonly term: number;
  readonly sinceMs: number;
  readonly why: OwnedReason;
  /** In words: `its owner was gone`. */
  readonly whyText: string;
  readonly isOutside: boolean;
  /** Where it came from, why it was given up there, and how long no one answered; undefined: not known. */
  readonly moved: Moved | undefined;
}

export interface ConfigurationRow {
  /** Where the configuration in force was read from; `none`: nothing is in force. */
  readonly from: 'ip-address-pools' | 'last-good-pools' | 'none';
  /** What is wrong with the ConfigMap, in lines as `kubectl berth lint` prints them. */
  readonly problems: readonly string[];
}

export interface LeaderRow {
  readonly identity: string;
  readonly renewedMs: number;
  readonly freshness: 'fresh' | 'stale';
}

/** Who uses an address that is a VIP's. */
export type ConflictUser = AddressUser | 'stranger';
