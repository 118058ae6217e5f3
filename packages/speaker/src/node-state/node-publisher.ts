// SPDX-License-Identifier: Apache-2.0
/** What this node tells people and the controller, and what people tell it: its Lease, and orders. */
import {
  type AddressConflict,
  eligibilityOf,
  type MembershipReport,
  type MovesState,
  type NodeHealth,
  type NodeState,
  type NotAnnounced,
  type ServingState,
  type SpreadHealth,
} from '@berth/core';
import type { EventNote } from '@berth/kube';
import { errorFields } from '@berth/runtime';
import type { Cluster } from '../cluster/cluster.ts';
import type { WantedVip } from '../cluster/wanted-vips.ts';
import type { ProcessParts } from '../config.ts';
import { ownObstacles } from '../conflict/own-obstacles.ts';
import type { Reachability } from '../conflict/reachability.ts';
import type { Sorted } from '../layer2/forbidden-addresses.ts';
import type { Lan } from '../layer2/lan.ts';
import type { ServedVips } from '../layer2/served-vips.ts';
import { subnetsOf, subnetTest } from '../layer2/subnets.ts';
import type { ServedVip } from '../layer2/wire.ts';
import type { Memberships } from '../membership/memberships.ts';
import { nodeStateOf, shadowedIn } from '../membership/node-state.ts';
import { contactNote } from './contact-note.ts';
import { NodeLease } from './node-lease.ts';
import { Orders } from './orders.ts';
import { ReachNotes } from './reach-notes.ts';

export interface NodePublisherParts extends ProcessParts {
  readonly cluster: Cluster;
  /** Name of what answers. */
  readonly engine: string;
  readonly lan: Pick<Lan, 'fitting' | 'links' | 'wire'>;
  readonly memberships: Memberships;
  readonly guard: { conflicts(): readonly AddressConflict[]; notAnnounced(): readonly NotAnnounced[] };
  readonly reachability: Pick<Reachability, 'selfTest' | 'check' | 'carryOut'>;
  /** Whether the kernel may answer for VIPs of others on an interface. */
  isLeaking(ifindex: number): boolean;
  readonly served: Pick<ServedVips, 'now'>;
  readonly speaker: Wanting;
  readonly spreading: {
    /** Who serves what this node answers for and every node is to serve. */
    serving(served: readonly ServedVip[]): readonly ServingState[];
    /** Undefined while nothing is spread. */
    readonly health: SpreadHealth | undefined;
    /** VIPs of others that this node keeps connections of. */
    readonly keeping: number;
    /** What becomes of connections in planned moves. */
    readonly moves: MovesState;
  };
}

/** What this node should serve, and refuses to; the speaker is. */
export interface Wanting {
  readonly wanted: readonly WantedVip[];
  readonly refused: Sorted['refused'];
}

export class NodePublisher {
  readonly name = 'node publisher';
  readonly #parts: NodePublisherParts;
  readonly #orders: Orders;
  readonly #lease: NodeLease;
  readonly #reach = new ReachNotes();
  #isEnding = false;
  /** As published with the last renewal. */
  #worstDelayMs = 0;

  constructor(parts: NodePublisherParts) {
    const { config, log, clock, cluster, memberships } = parts;
    const { api, watches } = cluster;
    const common = { api, clock, namespace: config.namespace };
    this.#parts = parts;
    this.#orders = new Orders({
      ...{ ...common, log },
      loops: () => memberships.loops.map(({ loop }) => loop),
    });
    this.#lease = new NodeLease({
      ...{ ...common, nodeName: config.nodeName },
      node: () => watches.nodes.get(config.nodeName),
      state: () => this.#state(),
      health: () => this.#health(),
    });
    this.#orders.checks.subscribe((order) => void parts.reachability.carryOut(order));
    this.#orders.news.subscribe(() => this.changed('now'));
    this.#lease.failures.subscribe((error, retryInMs) =>
      log.warn('node state not written', { retryInMs, ...errorFields(error) }),
    );
  }

  /** The cluster must be known by now. */
  start(): void {
    this.#orders.start();
    this.#lease.start();
  }

  /** Says the last word; what this node owned is given up by now. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await Promise.all([this.#lease.stop(), this.#orders.stop()]);
  }

  /** Something changed that the state tells of. */
  changed(urgency: 'now' | 'soon'): void {
    this.#lease.changed(urgency);
  }

  /** Longest delay of a heartbeat as published last, in milliseconds. */
  get worstDelayMs(): number {
    return this.#worstDelayMs;
  }

  /** News of a segment. */
  reported(report: MembershipReport, ifname: string): void {
    this.#orders.noteReport(report);
    this.#tell(report, ifname);
    this.changed('soon');
  }

  #tell(report: MembershipReport, ifname: string): void {
    const noted = contactNote(report, { node: this.#parts.config.nodeName, ifname });
    if (noted) this.#record(noted.node, noted.note);
  }

  #record(name: string, note: EventNote): void {
    const { watches, events } = this.#parts.cluster;
    const node = watches.nodes.get(name);
    if (node) events.record({ ...node, apiVersion: 'v1', kind: 'Node' }, note);
  }

  #health(): NodeHealth {
    const { beats } = this.#parts.memberships;
    this.#worstDelayMs = beats.takeLatest();
    const { lapses, lapsedSeconds } = beats;
    return { latestMs: this.#worstDelayMs, lapses, lapsedSeconds, spread: this.#parts.spreading.health };
  }

  #state(): NodeState {
    const { config, cluster, lan, engine, memberships, guard, reachability, isLeaking } = this.#parts;
    const links = lan.links.list();
    const isInSubnet = subnetTest(links);
    const node = cluster.watches.nodes.get(config.nodeName);
    const eligibility = node && eligibilityOf(node, config.eligibility);
    const ineligible = eligibility?.kind === 'ineligible' ? eligibility.reason : '';
    const state = nodeStateOf(
      {
        ...{
          engine,
          ineligible,
          served: this.#parts.served.now,
          joined: memberships.loops,
          fitness: memberships.fitness,
        },
        answerOn: (segment) => lan.wire.answerOf(segment) ?? 'none',
        isLeaking: ({ ifindex }) => isLeaking(ifindex),
        subnetsOn: (ifname) => subnetsOf(ifname, links),
        isOutside: (vip, ifname) => !isInSubnet(vip, [ifname]),
        bootId: memberships.bootId,
        transport: memberships.transport,
        wayOf: (ifname, member) => memberships.wayOf(ifname, member),
        notReachedOn: (ifname) => memberships.notReachedOn(ifname),
        newestKeyId: cluster.credentials.keys().newest.id,
        conflicts: guard.conflicts(),
        unreachable: reachability.selfTest.unreachable(),
        testedSeconds: reachability.selfTest.coveredSeconds,
        check: reachability.check,
        notAnnounced: [...this.#obstacles(ineligible), ...guard.notAnnounced()],
        orders: this.#orders.outcomes(),
        serving: this.#parts.spreading.serving(this.#parts.served.now),
        keeping: this.#parts.spreading.keeping,
        moves: this.#parts.spreading.moves,
      },
      this.#parts.clock.now(),
    );
    for (const { node: about, note } of this.#reach.follow(config.nodeName, state.segments)) this.#record(about, note);
    return state;
  }

  // That a node which ends has left its segments is no news of a VIP.
  #obstacles(ineligible: string): NotAnnounced[] {
    if (this.#isEnding) return [];
    const { config, cluster, lan, memberships, speaker } = this.#parts;
    const { loops } = memberships;
    const refused = speaker.refused.map(({ vip }): NotAnnounced => ({ vip, why: 'own-address' }));
    const obstacles = ownObstacles(speaker.wanted, {
      node: cluster.watches.nodes.get(config.nodeName),
      ineligible,
      segments: lan.fitting(),
      shadowed: shadowedIn(loops, this.#parts.clock.now()),
      answering: memberships.answering,
      candidatesOf: (vip) => loops.flatMap(({ loop }) => loop.state.desired.get(String(vip))?.candidates ?? []),
    });
    return [...refused, ...obstacles];
  }
}
