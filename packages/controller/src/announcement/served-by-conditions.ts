// SPDX-License-Identifier: Apache-2.0
/**
 * What to say about who serves the Services that ask for every node: the words of the owners, by VIP, kept current from
 * report to report.
 */
import {
  type IpAddress,
  type NodeClaim,
  type NodeReport,
  type PoolConfig,
  policiesOfVip,
  type ServedByFinding,
  type ServingState,
  servedByConditionOf,
  servedByFinding,
  serveModeOf,
} from '@berth/core';
import type { EventNote, Service } from '@berth/kube';
import type { NodeStateChange } from '../cluster/node-states.ts';

export interface ServedByOptions {
  /** The pools in force. */
  config(): PoolConfig;
  /** Who answers for a VIP. */
  claimsOn(vip: string): readonly NodeClaim[];
}

export class ServedByConditions {
  readonly #options: ServedByOptions;
  /** By VIP, then by node and interface; never an empty map. */
  readonly #serving = new Map<string, Map<string, ServingState>>();

  constructor(options: ServedByOptions) {
    this.#options = options;
  }

  /** Takes over a change; returns the VIPs about which something else is said. */
  take({ node, before, after }: NodeStateChange): ReadonlySet<string> {
    const [previous, next] = [servingIn(before), servingIn(after)];
    if (previous.length === 0 && next.length === 0) return new Set();
    const touched = new Set([...previous, ...next].map(({ vip }) => String(vip)));
    for (const { vip, interface: ifname } of previous) this.#drop(String(vip), keyOf(node, ifname));
    for (const one of next) {
      const words = this.#serving.get(String(one.vip)) ?? new Map<string, ServingState>();
      this.#serving.set(String(one.vip), words.set(keyOf(node, one.interface), one));
    }
    return touched;
  }

  /** What the Service is to say; undefined: what it says, if anything, is to stay. */
  decide(service: Service, addresses: readonly IpAddress[]): ServedByFinding | undefined {
    const present = servedByConditionOf(service);
    const annotations = service.metadata.annotations ?? {};
    const facts = addresses.map((vip) => {
      const policies = policiesOfVip(service, vip, this.#options.config());
      const mode = serveModeOf(annotations, policies.announced ? policies.advertisements : []);
      return { vip, isAsked: mode === 'every-node', owners: mode === 'owner' ? [] : this.#ownersOf(vip) };
    });
    return servedByFinding(facts, present);
  }

  /** Whether somebody else changed what the Service says; what comes back of our own is no change. */
  isTouched(previous: Service, next: Service, addresses: readonly IpAddress[]): boolean {
    const [found, before] = [servedByConditionOf(next), servedByConditionOf(previous)];
    if (found?.status === before?.status && found?.message === before?.message) return false;
    const finding = this.decide(next, addresses);
    return finding !== undefined && (finding.status !== found?.status || finding.message !== found.message);
  }

  #ownersOf(vip: IpAddress) {
    const words = this.#serving.get(String(vip));
    return this.#options
      .claimsOn(String(vip))
      .map((claim) => ({ node: claim.node, serving: words?.get(keyOf(claim.node, claim.interface)) }));
  }

  #drop(vip: string, key: string): void {
    const words = this.#serving.get(vip);
    words?.delete(key);
    if (words?.size === 0) this.#serving.delete(vip);
  }
}

/**
 * The Event about a finding that was written to a Service, which is given as it was before; undefined: it is no news.
 */
export function servedByNote(service: Service, finding: ServedByFinding | undefined): EventNote | undefined {
  const before = servedByConditionOf(service);
  if (finding === undefined || finding.reason === 'NotAsked') return undefined;
  if (before?.status === finding.status && before.reason === finding.reason) return undefined;
  const { status, reason, message } = finding;
  // That others join is no news before they have; a set of one puts right what was said of more.
  if (reason === 'OneNode')
    return before?.reason === 'EveryNode' ? { type: 'Normal', reason: 'ServedByOwner', message } : undefined;
  if (status === 'False') return { type: 'Warning', reason: 'ServedByOwner', message };
  return status === 'True' ? { type: 'Normal', reason: 'ServedByEveryNode', message } : undefined;
}

function servingIn(report: NodeReport | undefined): readonly ServingState[] {
  return report?.state?.serving ?? [];
}

function keyOf(node: string, ifname: string): string {
  return `${node} ${ifname}`;
}
