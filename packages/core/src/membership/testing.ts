// SPDX-License-Identifier: Apache-2.0
/** For tests: one state machine with its time, and the frames of peers that are not there. */
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import type { Heartbeat, HeartbeatBody } from '../wire/heartbeat.ts';
import type { WireClaim } from '../wire/heartbeat-section.ts';
import type { MembershipAction, MembershipEvent, MembershipReport, StationKind } from './event.ts';
import { initialMembership, type MembershipOptions } from './initial-state.ts';
import type { MembershipState } from './state.ts';
import { stepMembership } from './step.ts';
import { type TimingOptions, timingOf } from './timing.ts';

export const OWN_BOOT = '00000000000000a0';

export interface LoneNodeOptions {
  readonly timing?: TimingOptions;
  readonly rebalance?: NonNullable<MembershipOptions['rebalance']>;
  readonly bootId?: string;
  readonly port?: number;
  /** Whether a witness answers whenever it is asked. Default: 'answers'. */
  readonly witness?: 'answers' | 'silent';
}

/** The machine of edge-1, with all actions that it asked for since they were last taken. */
export class LoneNode {
  nowMs = 1000;
  state: MembershipState;
  #actions: MembershipAction[] = [];
  readonly #counters = new Map<string, number>();
  witness: 'answers' | 'silent';
  /** VIPs, by their text, that somebody answers for when they are asked for. */
  readonly answering = new Map<string, MacAddress>();
  /** By MAC address: whose the station is, where that can be found out. */
  readonly stations = new Map<string, StationKind>();

  constructor(options: LoneNodeOptions = {}) {
    const timing = timingOf(options.timing);
    if (!timing.ok) throw new Error(timing.problems.join());
    const self = { node: 'edge-1', bootId: options.bootId ?? OWN_BOOT, port: options.port ?? 2, mac: macOf(1) };
    const { rebalance = 'off', witness = 'answers' } = options;
    this.witness = witness;
    this.state = initialMembership({ self, timing: timing.timing, rebalance }, this.nowMs);
  }

  give(event: MembershipEvent): readonly MembershipAction[] {
    const stepped = stepMembership(this.state, event, this.nowMs);
    this.state = stepped.state;
    this.#actions.push(...stepped.actions);
    for (const action of stepped.actions) if (action.type === 'question') this.#answer(action);
    return stepped.actions;
  }

  #answer(question: Extract<MembershipAction, { type: 'question' }>): void {
    if (question.about === 'witness') {
      if (this.witness === 'answers') this.give({ type: 'witnessed' });
      return;
    }
    if (question.about === 'station') {
      const kind = this.stations.get(String(question.mac));
      if (kind) this.give({ type: 'identified', mac: question.mac, as: kind });
      return;
    }
    const mac = this.answering.get(String(question.vip));
    if (mac) this.give({ type: 'answered', vip: question.vip, mac });
  }

  /** Lets time pass with a tick every 5 ms, and heartbeats of these peers every 25 ms. */
  pass(forMs: number, ...peers: Partial<Heartbeat>[]): void {
    for (let passed = 5; passed <= forMs; passed += 5) {
      this.nowMs += 5;
      if (passed % 25 === 0) for (const peer of peers) this.hear(peer);
      this.give({ type: 'tick' });
    }
  }

  /** Gives a frame of a peer, with the next counter of its boot id unless the frame has one. */
  hear(peer: Partial<Heartbeat>): readonly MembershipAction[] {
    const heartbeat = heartbeatOf(peer);
    const counter = peer.counter ?? (this.#counters.get(heartbeat.bootId) ?? 0) + 1;
    this.#counters.set(heartbeat.bootId, counter);
    return this.give({ type: 'frame', heartbeat: { ...heartbeat, counter } });
  }

  want(nodes: readonly string[], ...vips: number[]): void {
    const candidates = nodes.map((node) => ({ node, standing: 'eligible' as const, score: 0 }));
    this.give({ type: 'desired', vips: vips.map((number) => ({ vip: vipOf(number), candidates })) });
  }

  /** Listens until it is at work, and for as long as a node that has just come asks for VIPs before it takes them. */
  begin(...peers: Partial<Heartbeat>[]): void {
    this.pass(400, ...peers);
    this.take();
  }

  /** The actions since the last call, in order. */
  take(): readonly MembershipAction[] {
    const taken = this.#actions;
    this.#actions = [];
    return taken;
  }

  /** Such actions as text: `answer 203.0.113.20 new`. */
  changes(): string[] {
    return this.take().flatMap((action) => describe(action) ?? []);
  }

  reports(): MembershipReport['kind'][] {
    return this.take().flatMap((action) => (action.type === 'report' ? [action.report.kind] : []));
  }

  sent(): readonly HeartbeatBody[] {
    return this.take().flatMap((action) => (action.type === 'send' ? action.bodies : []));
  }

  owned(): string[] {
    return [...this.state.claims.keys()].sort();
  }
}

/** The only part of a list of claims. */
export function claimsOf(version: number, ...claims: [number: number, term: number][]) {
  const entries = claims.map(([number, term]): WireClaim => ({ vip: vipOf(number), term }));
  return { claimsVersion: version, claimCount: entries.length, claims: { version, index: 0, total: 1, entries } };
}

export function viewOf(version: number, ...bootIds: string[]) {
  return { viewVersion: version, view: { version, index: 0, total: 1, entries: bootIds } };
}

/** A frame of edge-2, at work, without claims, that hears edge-1; its lists are in it. */
export function heartbeatOf(rest: Partial<Heartbeat> = {}): Heartbeat {
  return {
    ...{ clusterId: '0000000000000001', keyId: 1, newestKeyId: 1, bootId: '00000000000000b0', counter: 1 },
    ...{ port: 2, mac: macOf(2), phase: 'active', fitness: 'fit', intervalMs: 25, deadAfterMs: 200, node: 'edge-2' },
    ...claimsOf(1),
    ...viewOf(1, OWN_BOOT),
    ...rest,
  };
}

export function macOf(number: number): MacAddress {
  const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, number));
  if (mac === undefined) throw new Error(`no MAC address ${number}`);
  return mac;
}

/** 203.0.113.N. */
export function vipOf(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

function describe(action: MembershipAction): string | undefined {
  switch (action.type) {
    case 'answer':
    case 'stop':
      return `${action.type} ${action.vip} ${action.reason}`;
    case 'announce':
      return `announce ${action.vip}`;
    case 'stop-all':
      return `stop-all ${action.cause}`;
    case 'left':
      return 'left';
    default:
      return undefined;
  }
}
