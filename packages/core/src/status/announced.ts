// SPDX-License-Identifier: Apache-2.0
/**
 * The condition `berth.dev/Announced`: who answers for each address of a Service and since when, or why no one does.
 */
import type { Announcement } from '../config/advertisement.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { ContactLoss } from '../node-state/contact-loss.ts';
import type { NodeClaim } from '../node-state/counting-claims.ts';
import type { NotAnnouncedReason } from '../node-state/node-state.ts';
import { obstacleWords } from '../node-state/obstacle-words.ts';
import type { KubeCondition, KubeService } from '../service/kube-service.ts';

export const CONDITION_ANNOUNCED = 'berth.dev/Announced';

/** What clients of a VIP need that lies in no subnet of its owner. */
const OUTSIDE = 'in no subnet of the interface: hosts of the LAN reach it only where they have a route for it';

/** Most nodes that a message names. */
const NAMED_NODES = 10;

export type AnnouncedReason =
  | 'Announced'
  /** Other nodes do not hear the heartbeats of the node that announces it, but it answers: nothing is taken over. */
  | 'HeartbeatsLost'
  /** The node that announces it hears neither most of the others nor a witness. */
  | 'CutOff'
  /** The node that announces it reaches Ready nodes of its subnet in no way: they may announce it as well. */
  | 'NodesNotReached'
  /** Announced, by nodes none of which has a subnet that it lies in: hosts of the LAN need a route for it. */
  | 'OutsideSubnet'
  | 'NoAddress'
  /** No policy speaks of the Service; the reasons are those of the policies. */
  | 'NoAdvertisement'
  | 'SharedWithServiceSelector'
  | 'ProbingAddress'
  | 'AddressConflict'
  /** It is an address of a node or of a gateway, which no one may answer for. */
  | 'NodeAddress'
  /** Policies name interfaces that no node has. */
  | 'NoInterface'
  /** `externalTrafficPolicy: Local`, and no node has a usable endpoint. */
  | 'NoEndpoints'
  | 'NoEligibleNode'
  /** No node has said that it announces the address. */
  | 'NotHeard';

export interface AnnouncedFinding {
  readonly status: 'True' | 'False';
  readonly reason: AnnouncedReason;
  readonly message: string;
  /** The addresses that somebody answers for. */
  readonly announced: readonly IpAddress[];
}

/** What one node that is believed says about a VIP that it does not answer for. */
export interface NodeObstacle {
  readonly node: string;
  /** Undefined: it says nothing about it. */
  readonly why: NotAnnouncedReason | undefined;
  /** Why the node may own nothing; empty when it may. */
  readonly ineligible: string;
}

/** All that is known about one address. */
export interface VipFacts {
  readonly vip: IpAddress;
  readonly policies: Announcement;
  /** The node whose own address it is; undefined: of none that is known. */
  readonly node?: string | undefined;
  /** Those that count. */
  readonly claims: readonly NodeClaim[];
  /** What is wrong with the contact between the nodes of the claims and the others. Default: nothing. */
  readonly contacts?: readonly ContactLoss[];
  /** Of all nodes that are believed; asked for only where no one answers. */
  obstacles(): readonly NodeObstacle[];
}

/** Of two addresses the one that people should hear of first: no one answers, then somebody answers without contact. */
function isWorse({ status, reason }: AnnouncedFinding): number {
  return status === 'False' ? 2 : reason === 'Announced' ? 0 : 1;
}

/** The finding on a Service with these addresses: True only when somebody answers for each of them. */
export function announcedFinding(addresses: readonly VipFacts[]): AnnouncedFinding {
  if (addresses.length === 0)
    return { status: 'False', reason: 'NoAddress', message: 'the Service has no address', announced: [] };
  const findings = addresses.map(findingOnVip);
  const worst = findings.reduce((one, other) => (isWorse(other) > isWorse(one) ? other : one));
  const message = findings.map((one) => one.message).join('; ');
  const announced = findings.flatMap((one) => one.announced);
  return { status: worst.status, reason: worst.reason, message, announced };
}

/** The condition of a Service, or undefined. */
export function announcedConditionOf(service: KubeService): KubeCondition | undefined {
  return service.status?.conditions?.find(({ type }) => type === CONDITION_ANNOUNCED);
}

function findingOnVip(facts: VipFacts): AnnouncedFinding {
  const { vip, policies, claims, contacts = [] } = facts;
  if (claims.length > 0) {
    const isOutside = claims.every((one) => one.isOutside === true);
    const reason = contacts[0]?.kind ?? (isOutside ? 'OutsideSubnet' : 'Announced');
    const remarks = [...contacts.map(wordsOf), ...(isOutside ? [OUTSIDE] : [])];
    return {
      status: 'True',
      reason,
      message: [`${vip} ${announcersIn(claims)}`, ...remarks].join(', '),
      announced: [vip],
    };
  }
  if (facts.node !== undefined) return noOne(vip, 'NodeAddress', `it is an address of node ${facts.node}`);
  if (!policies.announced) return noOne(vip, policies.reason, policies.message);
  return findingOnObstacles(vip, facts.obstacles());
}

function announcersIn(claims: readonly NodeClaim[]): string {
  const nodes = Map.groupBy(claims, ({ node }) => node);
  const texts = [...nodes].map(([node, own]) => {
    const since = own.reduce((latest, { sinceSeconds }) => Math.max(latest, sinceSeconds), 0);
    return `from ${node} on ${own.map((one) => one.interface).join(' and ')} since ${timeOf(since)}`;
  });
  return texts.join(' and ');
}

function wordsOf(loss: ContactLoss): string {
  const { node, interface: ifname } = loss;
  if (loss.kind === 'CutOff')
    return `${node} is cut off on ${ifname}: it hears neither most of the others nor a witness`;
  if (loss.kind === 'NodesNotReached')
    return `${node} reaches ${listed(loss.notReached)} in no way on ${ifname}, so those may announce it as well`;
  return `heartbeats of ${node} are lost on the way to ${listed(loss.unheardBy)}, but it answers`;
}

function findingOnObstacles(vip: IpAddress, nodes: readonly NodeObstacle[]): AnnouncedFinding {
  if (nodes.length === 0) return noOne(vip, 'NotHeard', 'no speaker reports');
  const saying = (why: NotAnnouncedReason) => nodes.filter((one) => one.why === why);
  const own = saying('own-address');
  if (own.length > 0) return noOne(vip, 'NodeAddress', `${obstacleWords('own-address')}, as ${namesOf(own)} finds`);
  const probing = saying('probing');
  if (probing.length > 0) return noOne(vip, 'ProbingAddress', `${namesOf(probing)} ${obstacleWords('probing')}`);
  const conflicts = saying('conflict');
  if (conflicts.length > 0) return noOne(vip, 'AddressConflict', `${namesOf(conflicts)} ${obstacleWords('conflict')}`);
  if (nodes.some(({ why }) => why === undefined))
    return noOne(vip, 'NotHeard', 'no node has said that it answers for it');
  return noOne(vip, reasonOf(nodes), sentencesOf(nodes));
}

// An endpoint may come to any node, so its lack is what to look at first.
function reasonOf(nodes: readonly NodeObstacle[]): AnnouncedReason {
  if (nodes.some(({ why }) => why === 'no-endpoint')) return 'NoEndpoints';
  return nodes.every(({ why }) => why === 'no-interface') ? 'NoInterface' : 'NoEligibleNode';
}

function sentencesOf(nodes: readonly NodeObstacle[]): string {
  const groups = Map.groupBy(nodes, ({ why, ineligible }) =>
    why === undefined ? 'nothing said' : obstacleWords(why, ineligible),
  );
  return [...groups].map(([sentence, those]) => `${namesOf(those)}: ${sentence}`).join(', ');
}

function namesOf(nodes: readonly NodeObstacle[]): string {
  return listed(nodes.map(({ node }) => node));
}

function listed(nodes: readonly string[]): string {
  const names = [...nodes].sort();
  const rest = names.length - NAMED_NODES;
  return rest > 0 ? `${names.slice(0, NAMED_NODES).join(' ')} and ${rest} more` : names.join(' ');
}

function noOne(vip: IpAddress, reason: AnnouncedReason, why: string): AnnouncedFinding {
  return { status: 'False', reason, message: `${vip} from no one: ${why}`, announced: [] };
}

function timeOf(seconds: number): string {
  // Beyond the range of a date only nonsense can be.
  const date = new Date(Math.min(seconds, 8e12) * 1000);
  return date.toISOString().replace('.000Z', 'Z');
}
