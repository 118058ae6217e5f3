// SPDX-License-Identifier: Apache-2.0
/** What this node tells people and the controller, and what people tell it: its Lease, and orders. */
import {
  type AddressConflict,
  eligibilityOf,
  type MembershipReport,
  type NodeHealth,
  type NodeState,
  type NotAnnounced,
} from '@berth/core';
import { errorFields, type Log } from '@berth/daemon';
import { systemClock } from '@berth/kube';
import type { Cluster } from './cluster.ts';
import type { SpeakerConfig } from './config.ts';
import type { Memberships } from './memberships.ts';
import { NodeLease } from './node-lease.ts';
import { nodeStateOf } from './node-state.ts';
import { Orders } from './orders.ts';
import { ownObstacles } from './own-obstacles.ts';
import type { Reachability } from './reachability.ts';
import type { Speaker } from './speaker.ts';

export interface NodePublisherParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly cluster: Cluster;
  /** Name of what answers. */
  readonly engine: string;
  readonly memberships: Memberships;
  readonly guard: { conflicts(): readonly AddressConflict[]; notAnnounced(): readonly NotAnnounced[] };
  readonly reachability: Pick<Reachability, 'selfTest' | 'check' | 'carryOut'>;
  speaker(): Pick<Speaker, 'served' | 'wanted'>;
}

export class NodePublisher {
  readonly name = 'node publisher';
  readonly #parts: NodePublisherParts;
  readonly #orders: Orders;
  readonly #lease: NodeLease;
  #isEnding = false;
  /** As told with the last renewal. */
  #worstDelayMs = 0;

  constructor(parts: NodePublisherParts) {
    const { config, log, cluster, memberships } = parts;
    const { api, watches } = cluster;
    const common = { api, clock: systemClock, namespace: config.namespace };
    this.#parts = parts;
    this.#orders = new Orders({
      ...{ ...common, log },
      loops: () => memberships.loops.map(({ loop }) => loop),
      onCheck: (order) => void parts.reachability.carryOut(order),
      onOutcome: () => this.changed('now'),
    });
    this.#lease = new NodeLease({
      ...{ ...common, nodeName: config.nodeName },
      node: () => watches.nodes.get(config.nodeName),
      state: () => this.#state(),
      health: () => this.#health(),
      onError: (error, retryInMs) => log.warn('node state not written', { retryInMs, ...errorFields(error) }),
    });
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

  /** Longest delay of a heartbeat that was told last, in milliseconds. */
  get worstDelayMs(): number {
    return this.#worstDelayMs;
  }

  /** News of a segment. */
  reported(report: MembershipReport): void {
    this.#orders.noteReport(report);
    this.changed('soon');
  }

  #health(): NodeHealth {
    const { beats } = this.#parts.memberships;
    this.#worstDelayMs = beats.takeLatest();
    return { latestMs: this.#worstDelayMs, lapses: beats.lapses };
  }

  #state(): NodeState {
    const { config, cluster, engine, memberships, guard, reachability, speaker } = this.#parts;
    const { served } = speaker();
    const node = cluster.watches.nodes.get(config.nodeName);
    const eligibility = node && eligibilityOf(node, config.eligibility);
    const ineligible = eligibility?.kind === 'ineligible' ? eligibility.reason : '';
    return nodeStateOf(
      {
        ...{ engine, ineligible, served, joined: memberships.loops },
        bootId: memberships.bootId,
        transport: memberships.transport,
        newestKeyId: cluster.credentials.keys().newest.id,
        conflicts: guard.conflicts(),
        unreachable: reachability.selfTest.unreachable(),
        testedSeconds: reachability.selfTest.coveredSeconds,
        check: reachability.check,
        notAnnounced: [...this.#obstacles(ineligible), ...guard.notAnnounced()],
        orders: this.#orders.outcomes(),
      },
      systemClock.now(),
    );
  }

  // That a node which ends has left its segments is no news of a VIP.
  #obstacles(ineligible: string): NotAnnounced[] {
    if (this.#isEnding) return [];
    const { config, cluster, memberships, speaker } = this.#parts;
    const { loops } = memberships;
    return ownObstacles(speaker().wanted, {
      node: cluster.watches.nodes.get(config.nodeName),
      ineligible,
      segments: loops.map(({ segment }) => segment),
      candidatesOf: (vip) => loops.flatMap(({ loop }) => loop.state.desired.get(String(vip))?.candidates ?? []),
    });
  }
}
