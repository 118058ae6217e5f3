// SPDX-License-Identifier: Apache-2.0
/** Who answers for an address, since when and why, in words. */
import { type IpAddress, type OwnedReason, type OwnedState, policiesOfVip } from '@berth/core';
import type { Service } from '@berth/kube';
import { isLive, type NodeReport, ownersOf } from './node-reports.ts';
import { obstacleTo, type Placement, timeOf } from './placement.ts';

const REASONS: Readonly<Record<OwnedReason, string>> = {
  new: 'nobody had it before',
  orphaned: 'its owner was gone',
  'left-over': 'the node whose turn it was did not take it',
  'handed-over': 'its owner handed it over',
  unknown: 'for a reason that only newer versions know',
};

/** One line for each address. */
export function answeredBy(service: Service, addresses: readonly IpAddress[], placement: Placement): string {
  return addresses.map((vip) => `${lineOn(vip, service, placement)}\n`).join('');
}

function lineOn(vip: IpAddress, service: Service, placement: Placement): string {
  const claims = ownersOf(String(vip), placement.reports);
  if (claims.length > 0) {
    const texts = claims.map(({ node, interface: ifname, sinceSeconds, term }) => {
      const why = REASONS[stateOf(vip, { node, ifname }, placement.reports)?.why ?? 'unknown'];
      return `${node} on ${ifname} since ${timeOf(sinceSeconds * 1000)} (${why}; term ${term})`;
    });
    return `${vip} is answered by ${texts.join(' and by ')}.`;
  }
  return `${vip} is answered by nobody: ${whyNobody(vip, service, placement)}.`;
}

function stateOf(
  vip: IpAddress,
  { node, ifname }: { readonly node: string; readonly ifname: string },
  reports: readonly NodeReport[],
): OwnedState | undefined {
  const owned = reports.find((report) => report.node === node)?.state?.owned;
  return owned?.find((one) => one.interface === ifname && one.vip.equals(vip));
}

function whyNobody(vip: IpAddress, service: Service, placement: Placement): string {
  const policies = policiesOfVip(service, vip, placement.state.config);
  if (!policies.announced) return policies.message;
  const live = placement.reports.filter(isLive);
  if (live.length === 0) return 'no speaker is heard of';
  const obstacles = live.map((report) => obstacleTo(vip, report, placement) ?? `${report.node} could and does not yet`);
  return obstacles.join(', ');
}
