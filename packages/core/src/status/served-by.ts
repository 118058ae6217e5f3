// SPDX-License-Identifier: Apache-2.0
/**
 * The condition `berth.dev/ServedBy` of a Service that asks to be served by every node: who serves, with shares, or why
 * the owner alone does.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { kernelReasonText } from '../node-state/kernel-reason.ts';
import type { AloneReason, AloneState, ServerState, ServingState } from '../node-state/serving.ts';
import type { KubeCondition, KubeService } from '../service/kube-service.ts';

export const CONDITION_SERVED_BY = 'berth.dev/ServedBy';

export type ServedByReason =
  | 'EveryNode'
  /** A single node serves: no other one can, or none does yet. */
  | 'OneNode'
  /** Services that share the address do not all ask for it. */
  | 'SharedWithOwnerServed'
  /** Policy Local without a healthCheckNodePort. */
  | 'NoHealthPort'
  /** Nodes that may own the address take no part: an older speaker, or their kernel refuses the program. */
  | 'NodesTakeNoPart'
  /** The owner's kernel refuses the program. */
  | 'ProgramRefused'
  /** The owner cannot read connection tracking. */
  | 'NoConntrack'
  /** The owner's tables are full. */
  | 'NoRoom'
  /** The owner is an older speaker. */
  | 'NotTold'
  /** No one asks for it any more. */
  | 'NotAsked'
  /** A reason that only a newer speaker knows. */
  | 'Unknown';

export interface ServedByFinding {
  readonly status: KubeCondition['status'];
  readonly reason: ServedByReason;
  readonly message: string;
}

/** All that is known about one address. */
export interface ServedFacts {
  readonly vip: IpAddress;
  /** Whether the Service asks that every node serves it. */
  readonly isAsked: boolean;
  /** The nodes that answer for it. */
  readonly owners: readonly OwnerWord[];
}

/** What an owner says of who serves; undefined: nothing. */
export interface OwnerWord {
  readonly node: string;
  readonly serving: ServingState | undefined;
}

const REASONS: Readonly<Record<AloneReason, ServedByReason>> = {
  'shared-with-owner-served': 'SharedWithOwnerServed',
  'no-health-port': 'NoHealthPort',
  'nodes-without': 'NodesTakeNoPart',
  program: 'ProgramRefused',
  conntrack: 'NoConntrack',
  room: 'NoRoom',
  unknown: 'Unknown',
};

/** The condition of a Service, or undefined. */
export function servedByConditionOf(service: KubeService): KubeCondition | undefined {
  return service.status?.conditions?.find(({ type }) => type === CONDITION_SERVED_BY);
}

/** What to say about a Service with these addresses; undefined: what is said, if anything, is to stay. */
export function servedByFinding(
  addresses: readonly ServedFacts[],
  present: KubeCondition | undefined,
): ServedByFinding | undefined {
  const asked = addresses.filter(({ isAsked }) => isAsked);
  if (asked.length === 0)
    return present && { status: 'False', reason: 'NotAsked', message: 'no one asks for it: the owner serves' };
  const findings = asked.flatMap(({ vip, owners }) => owners.map((owner) => findingOn(vip, owner)));
  const [first] = findings;
  if (first === undefined) return undefined;
  const rank = ({ status }: ServedByFinding) => ['False', 'Unknown', 'True'].indexOf(status);
  const worst = findings.reduce((one, other) => (rank(other) < rank(one) ? other : one), first);
  return { ...worst, message: findings.map(({ message }) => message).join('; ') };
}

function findingOn(vip: IpAddress, owner: OwnerWord): ServedByFinding {
  const message = servedText(vip, owner);
  const { serving } = owner;
  if (serving === undefined) return { status: 'Unknown', reason: 'NotTold', message };
  if (serving.alone) return { status: 'False', reason: REASONS[serving.alone.why], message };
  // A new owner begins with itself alone, and takes the others in once all know which flows live where.
  if (servingIn(serving).length < 2) return { status: 'False', reason: 'OneNode', message };
  return { status: 'True', reason: 'EveryNode', message };
}

function servingIn({ servers }: ServingState): readonly ServerState[] {
  return servers.filter(({ state }) => state === 'serving');
}

/** Who serves an address by the word of its owner: `192.0.2.7 is served by edge-1 (50 %) and edge-2 (50 %)`. */
export function servedText(vip: IpAddress, { node, serving }: OwnerWord): string {
  if (serving === undefined) return `${node}, which owns ${vip}, does not say who serves it`;
  const { servers, alone } = serving;
  const keeping = servers.filter((one) => one.state !== 'serving' && one.node !== node).map((one) => one.node);
  const kept = keeping.length > 0 ? `; ${listed(keeping)} ${keeping.length > 1 ? 'keep' : 'keeps'} older flows` : '';
  if (alone) return `${vip} is served by ${node} alone: ${whyAlone(node, alone)}${kept}`;
  const shares = sharesOf(serving);
  if (shares.length < 2)
    return `${vip} is served by ${servingIn(serving)[0]?.node ?? node} alone: no other node serves it${kept}`;
  return `${vip} is served by ${listed(shares)}${kept}`;
}

/** Shares of new flows, in percent. */
function sharesOf(state: ServingState): string[] {
  const serving = servingIn(state);
  const sum = serving.reduce((total, { weight }) => total + weight, 0);
  return serving.map(({ node, weight }) => `${node} (${Math.round((100 * weight) / sum)} %)`);
}

function whyAlone(owner: string, { why, nodes, code }: AloneState): string {
  switch (why) {
    case 'shared-with-owner-served':
      return 'not all Services that share it ask for every node';
    case 'no-health-port':
      return 'externalTrafficPolicy is Local, and the Service has no healthCheckNodePort';
    case 'nodes-without':
      return `${listed(nodes)} ${nodes.length > 1 ? 'take' : 'takes'} no part, by an older speaker or a kernel that refuses the program`;
    default:
      return kernelReasonText(owner, { why, code });
  }
}

function listed(names: readonly string[]): string {
  const [last = '', ...before] = names.toReversed();
  return before.length === 0 ? last : `${before.reverse().join(', ')} and ${last}`;
}
