// SPDX-License-Identifier: Apache-2.0
/** What becomes of connections when an address moves on purpose, in words. */
import type { IpAddress } from '../net/ip-address.ts';
import { breakText } from '../node-state/moves-state.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { isLive, type LiveReport, peersOf } from './node-report.ts';

/** One sentence on an address that nodes answer for; undefined: none does, or none of them reports. */
export function plannedMoveText(vip: IpAddress, { claims, reports }: ClusterFacts): string | undefined {
  const live = reports.filter(isLive);
  const owners = claims.ownersOf(String(vip)).flatMap(({ node }) => live.find((one) => one.node === node) ?? []);
  if (owners.length === 0) return undefined;
  const broken = owners.flatMap((owner) => whyBroken(owner) ?? []);
  if (broken.length > 0) return `A planned move of ${vip} breaks its connections: ${broken.join('; ')}.`;
  const heard = new Set(owners.flatMap((owner) => [...peersOf(owner)]));
  const without = live.filter(({ node }) => heard.has(node)).flatMap((one) => whyBroken(one) ?? []);
  const but = without.length > 0 ? `, but not to every node: ${without.join('; ')}` : '';
  return `A planned move of ${vip} keeps its connections${but}.`;
}

function whyBroken({ node, state: { moves } }: LiveReport): string | undefined {
  if (moves === undefined) return `${node} has an older speaker`;
  return moves === 'kept' ? undefined : breakText(node, moves);
}
