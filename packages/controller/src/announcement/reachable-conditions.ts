// SPDX-License-Identifier: Apache-2.0
/**
 * What to say about whether each Service is reached. What is said stays until something else is heard, so a condition
 * that somebody else wrote would stay as well: what this term said or found when it began is remembered, and only that
 * counts as said.
 */
import {
  CONDITION_REACHABLE,
  type IpAddress,
  type KubeCondition,
  type NodeClaim,
  type NodeReport,
  type ReachableFinding,
  type ReachableReason,
  reachableConditionOf,
  reachableFinding,
} from '@berth/core';
import { keyOf, type Service } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import type { NodeStateChange } from '../cluster/node-states.ts';
import { ReachIndex } from './reach-index.ts';

export interface ReachableConditionsOptions {
  readonly clock: Pick<Clock, 'date'>;
  reports(): ReadonlyMap<string, NodeReport>;
  /** Who answers for a VIP. */
  claimsOn(vip: string): readonly NodeClaim[];
}

export class ReachableConditions {
  readonly #options: ReachableConditionsOptions;
  readonly #index: ReachIndex;
  /** By Service; absent: nothing is said. */
  readonly #said = new Map<string, KubeCondition>();
  /** Services that are not known to be reachable: others may have asked for them by now. */
  readonly #untested = new Set<string>();

  constructor(options: ReachableConditionsOptions) {
    this.#options = options;
    this.#index = new ReachIndex(() => options.reports());
  }

  /** Services that wait for a test. */
  get untested(): ReadonlySet<string> {
    return this.#untested;
  }

  /** Takes over a change; returns the VIPs about which something else is said. */
  take(change: NodeStateChange): ReadonlySet<string> {
    return this.#index.take(change);
  }

  /** Takes what a Service says that was not seen before for said. */
  believe(service: Service): void {
    const found = reachableConditionOf(service);
    if (found) this.#said.set(keyOf(service), found);
    else this.#said.delete(keyOf(service));
  }

  /** Whether somebody else changed what the Service says; what comes back of our own is no change. */
  isTouched(previous: Service, next: Service): boolean {
    const found = textOf(reachableConditionOf(next));
    return found !== textOf(reachableConditionOf(previous)) && found !== textOf(this.#said.get(keyOf(next)));
  }

  /** Decides what the Service is to say, and takes it for said; undefined: nothing is known yet. */
  decide(service: Service, addresses: readonly IpAddress[]): ReachableFinding | undefined {
    const key = keyOf(service);
    const said = this.#said.get(key);
    const found = reachableConditionOf(service);
    const facts = addresses.map((vip) => this.#index.factsOf(vip, this.#options.claimsOn(String(vip))));
    // What somebody else wrote where nothing was said proves nothing.
    const finding = reachableFinding(facts, said ?? (found && { ...found, status: 'Unknown' }));
    const next = finding ? this.#dated(finding, said) : said;
    if (next) this.#said.set(key, next);
    this.#untested[next?.status === 'True' ? 'delete' : 'add'](key);
    // It came from this code, or from the one before it.
    return next && { status: next.status, reason: next.reason as ReachableReason, message: next.message };
  }

  forget(key: string): void {
    this.#said.delete(key);
    this.#untested.delete(key);
  }

  #dated(finding: ReachableFinding, said: KubeCondition | undefined): KubeCondition {
    const isTransition = finding.status !== said?.status;
    const lastTransitionTime = isTransition ? this.#options.clock.date().toISOString() : said.lastTransitionTime;
    return { type: CONDITION_REACHABLE, ...finding, lastTransitionTime };
  }
}

function textOf(condition: KubeCondition | undefined): string {
  return condition ? `${condition.status} ${condition.reason} ${condition.message}` : '';
}
