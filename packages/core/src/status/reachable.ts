// SPDX-License-Identifier: Apache-2.0
/**
 * The condition `berth.dev/Reachable`: whether the other nodes, when they ask on the wire, get the one right answer for
 * each address of a Service. It tells what was heard, so it stays as it is until something else is heard: a VIP that
 * moved is not doubted for that.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { NodeClaim } from '../node-state/counting-claims.ts';
import type { AddressConflict, UnreachableVip } from '../node-state/node-state.ts';
import type { KubeCondition, KubeService } from '../service/kube-service.ts';

export const CONDITION_REACHABLE = 'berth.dev/Reachable';

/** Most complaints that a message tells. */
const MOST_TOLD = 3;

export type ReachableReason =
  | 'Answered'
  | 'NoAnswer'
  /** Not the owner answers, but somebody else. */
  | 'WrongAnswer'
  | 'SeveralAnswers'
  /** A stranger claims the address; it is defended. */
  | 'AddressConflict'
  /** No one announces the address, so there is nothing to test. */
  | 'NotAnnounced'
  /** No other node hears the owner, so none can ask. */
  | 'NoSecondNode';

export interface ReachableFinding {
  readonly status: KubeCondition['status'];
  readonly reason: ReachableReason;
  readonly message: string;
}

/** What one node heard that is not right. */
export interface Complaint extends UnreachableVip {
  readonly node: string;
}

/** A stranger that claims the address, as its owner heard. */
export interface Stranger extends AddressConflict {
  readonly node: string;
}

/** All that is known about one address. */
export interface ReachFacts {
  readonly vip: IpAddress;
  /** Who answers for it. */
  readonly claims: readonly NodeClaim[];
  readonly complaints: readonly Complaint[];
  readonly strangers: readonly Stranger[];
  /**
   * Of each other node that hears an owner: all VIPs that were announced by then were asked for since, in seconds of
   * its own wall clock; undefined: not yet, or not known.
   */
  readonly tested: readonly (number | undefined)[];
}

const REASONS: Readonly<Record<UnreachableVip['why'], ReachableReason>> = {
  'no-answer': 'NoAnswer',
  'wrong-answer': 'WrongAnswer',
  'several-answers': 'SeveralAnswers',
};

/** The condition of a Service, or undefined. */
export function reachableConditionOf(service: KubeService): KubeCondition | undefined {
  return service.status?.conditions?.find(({ type }) => type === CONDITION_REACHABLE);
}

/** What to say about a Service with these addresses; undefined: what is said, if anything, is to stay. */
export function reachableFinding(
  addresses: readonly ReachFacts[],
  present: KubeCondition | undefined,
): ReachableFinding | undefined {
  const complaints = addresses.flatMap((one) => one.complaints);
  const strangers = addresses.flatMap((one) => one.strangers);
  const [worst] = complaints;
  const reason = worst ? REASONS[worst.why] : 'AddressConflict';
  const sentences = [...complaints.map(sentenceOf), ...strangers.map(strangerSentence)];
  if (sentences.length > 0) {
    // What was reported once stays: a stranger with a thousand MAC addresses must not cause a thousand writes.
    if (present?.status === 'False' && present.reason === reason) return undefined;
    const rest = sentences.length - MOST_TOLD;
    const message = sentences.slice(0, MOST_TOLD).join('; ') + (rest > 0 ? ` and ${rest} more` : '');
    return { status: 'False', reason, message };
  }
  const silent = addresses.find(({ claims }) => claims.length === 0);
  if (silent || addresses.length === 0) {
    const message = silent ? `no one announces ${silent.vip}` : 'the Service has no address';
    return present && { status: 'Unknown', reason: 'NotAnnounced', message };
  }
  if (present?.status === 'True') return undefined;
  const alone = addresses.find(({ tested }) => tested.length === 0);
  if (alone)
    return { status: 'Unknown', reason: 'NoSecondNode', message: `no other node can ask who answers for ${alone.vip}` };
  if (!addresses.every((one) => isTested(one, present))) return undefined;
  const vips = addresses.map(({ vip }) => String(vip)).join(' and ');
  return { status: 'True', reason: 'Answered', message: `other nodes get the right answer for ${vips}` };
}

// After a complaint that is no more, a whole round must be free of it.
function isTested({ claims, tested }: ReachFacts, present: KubeCondition | undefined): boolean {
  const complainedSeconds = present?.status === 'False' ? Date.parse(present.lastTransitionTime) / 1000 : 0;
  const sinceSeconds = claims.reduce((latest, one) => Math.max(latest, one.sinceSeconds), complainedSeconds);
  return tested.every((seconds) => seconds !== undefined && seconds >= sinceSeconds);
}

function sentenceOf({ node, vip, interface: ifname, macs }: Complaint): string {
  const answer =
    macs.length === 0 ? 'no one answers' : `${macs.join(' and ')} ${macs.length > 1 ? 'answer' : 'answers'}`;
  return `${node} asked for ${vip} on ${ifname}: ${answer}`;
}

function strangerSentence({ node, vip, interface: ifname, mac }: Stranger): string {
  return `${mac} on the LAN claims ${vip} too, as ${node} hears on ${ifname}`;
}
