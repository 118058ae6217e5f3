// SPDX-License-Identifier: Apache-2.0
/** The condition `berth.dev/Announced`: who answers for each address of a Service and since when, or why nobody does. */
import type { Announcement } from '../config/advertisement.ts';
import { IpAddress } from '../net/ip-address.ts';
import type { NodeClaim } from '../node-state/counting-claims.ts';
import type { NotAnnouncedReason } from '../node-state/node-state.ts';
import type { KubeCondition, KubeService } from './kube-service.ts';

export const CONDITION_ANNOUNCED = 'berth.dev/Announced';

/** Most nodes that a message names. */
const NAMED_NODES = 10;

export type AnnouncedReason =
  | 'Announced'
  | 'NoAddress'
  /** No policy speaks of the Service; the reasons are those of the policies. */
  | 'NoAdvertisement'
  | 'SharedWithServiceSelector'
  | 'ProbingAddress'
  | 'AddressConflict'
  /** Policies name interfaces that no node has. */
  | 'NoInterface'
  /** `externalTrafficPolicy: Local`, and no node has a usable endpoint. */
  | 'NoEndpoints'
  | 'NoEligibleNode'
  /** No node has said that it announces the address. */
  | 'NotHeard';

export interface AnnouncedVerdict {
  readonly status: 'True' | 'False';
  readonly reason: AnnouncedReason;
  readonly message: string;
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
  /** Those that count. */
  readonly claims: readonly NodeClaim[];
  /** Of all nodes that are believed; asked for only where nobody answers. */
  obstacles(): readonly NodeObstacle[];
}

/** The verdict on a Service with these addresses: True only when somebody answers for each of them. */
export function announcedVerdict(addresses: readonly VipFacts[]): AnnouncedVerdict {
  if (addresses.length === 0) return { status: 'False', reason: 'NoAddress', message: 'the Service has no address' };
  const verdicts = addresses.map(verdictOnVip);
  const worst = verdicts.find(({ status }) => status === 'False') ?? verdicts[0];
  const message = verdicts.map((one) => one.message).join('; ');
  return { status: worst?.status ?? 'False', reason: worst?.reason ?? 'NotHeard', message };
}

/** One address that somebody answers for, as {@link announcedVerdict} words it; a reason why nobody does begins with `nobody:` instead. */
const ANNOUNCED_VIP = /^(\S+) from [^\s:]+ on /;

/**
 * The addresses that somebody answers for by the message of an {@link announcedVerdict}: all of them where it is True, and where it is
 * False those beside the one that nobody answers for. Empty for any other text.
 */
export function parseAnnounced(message: string): readonly IpAddress[] {
  return message.split('; ').flatMap((part) => {
    const address = IpAddress.parse(ANNOUNCED_VIP.exec(part)?.[1] ?? '');
    return address.ok ? [address.value] : [];
  });
}

/** The condition of a Service, or undefined. */
export function announcedConditionOf(service: KubeService): KubeCondition | undefined {
  return service.status?.conditions?.find(({ type }) => type === CONDITION_ANNOUNCED);
}

function verdictOnVip(facts: VipFacts): AnnouncedVerdict {
  const { vip, policies, claims } = facts;
  if (claims.length > 0) return { status: 'True', reason: 'Announced', message: `${vip} ${announcersIn(claims)}` };
  if (!policies.announced) return nobody(vip, policies.reason, policies.message);
  return verdictOnObstacles(vip, facts.obstacles());
}

function announcersIn(claims: readonly NodeClaim[]): string {
  const nodes = Map.groupBy(claims, ({ node }) => node);
  const texts = [...nodes].map(([node, own]) => {
    const since = own.reduce((latest, { sinceSeconds }) => Math.max(latest, sinceSeconds), 0);
    return `from ${node} on ${own.map((one) => one.interface).join(' and ')} since ${timeOf(since)}`;
  });
  return texts.join(' and ');
}

function verdictOnObstacles(vip: IpAddress, nodes: readonly NodeObstacle[]): AnnouncedVerdict {
  if (nodes.length === 0) return nobody(vip, 'NotHeard', 'no speaker is heard of');
  const saying = (why: NotAnnouncedReason) => nodes.filter((one) => one.why === why);
  const probing = saying('probing');
  if (probing.length > 0) return nobody(vip, 'ProbingAddress', `${namesOf(probing)} asks whether somebody uses it`);
  const conflicts = saying('conflict');
  if (conflicts.length > 0)
    return nobody(vip, 'AddressConflict', `${namesOf(conflicts)} found that somebody else uses it`);
  if (nodes.some(({ why }) => why === undefined))
    return nobody(vip, 'NotHeard', 'no node has said that it answers for it');
  return nobody(vip, reasonOf(nodes), sentencesOf(nodes));
}

// An endpoint may come to any node, so its lack is what to look at first.
function reasonOf(nodes: readonly NodeObstacle[]): AnnouncedReason {
  if (nodes.some(({ why }) => why === 'no-endpoint')) return 'NoEndpoints';
  return nodes.every(({ why }) => why === 'no-interface') ? 'NoInterface' : 'NoEligibleNode';
}

const SENTENCES: Readonly<Record<NotAnnouncedReason, (ineligible: string) => string>> = {
  probing: () => 'asks whether somebody uses it',
  conflict: () => 'found that somebody else uses it',
  'no-interface': () => 'no interface that the policy names',
  'no-segment': () => 'no usable interface for its family',
  'not-selected': () => 'selected by no policy',
  'no-endpoint': () => 'no usable endpoint of the Service',
  'not-eligible': (ineligible) => ineligible || 'may own nothing',
};

function sentencesOf(nodes: readonly NodeObstacle[]): string {
  const groups = Map.groupBy(nodes, ({ why, ineligible }) =>
    why === undefined ? 'nothing said' : SENTENCES[why](ineligible),
  );
  return [...groups].map(([sentence, those]) => `${namesOf(those)}: ${sentence}`).join(', ');
}

function namesOf(nodes: readonly NodeObstacle[]): string {
  const names = nodes.map(({ node }) => node).sort();
  const rest = names.length - NAMED_NODES;
  return rest > 0 ? `${names.slice(0, NAMED_NODES).join(' ')} and ${rest} more` : names.join(' ');
}

function nobody(vip: IpAddress, reason: AnnouncedReason, why: string): AnnouncedVerdict {
  return { status: 'False', reason, message: `${vip} from nobody: ${why}` };
}

function timeOf(seconds: number): string {
  // Beyond the range of a date only nonsense can be.
  const date = new Date(Math.min(seconds, 8e12) * 1000);
  return date.toISOString().replace('.000Z', 'Z');
}
