// SPDX-License-Identifier: Apache-2.0
/** Who answers for an address, since when and why, in words. */
import { movedText, OWNED_WORDS } from '../history/move-words.ts';
import { timeText } from '../history/time-text.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { ContactLoss } from '../node-state/contact-loss.ts';
import type { KubeService } from '../service/kube-service.ts';
import { serveModeOf } from '../service/serve.ts';
import { policiesOfVip } from '../service/vip-policies.ts';
import { servedText } from '../status/served-by.ts';
import type { OwnedBy } from './claim-table.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { obstacleTo } from './node-obstacle.ts';
import { isLive } from './node-report.ts';

/** Of a claim that was made while cut off, or by a node that is unsteady. */
const PROVISIONAL = 'provisional, so it gives way to an owner that is not';

/** Why a node owns a VIP, with the owner before it where that is known, and whether it does only provisionally. */
export function whyOwned({ why, moved, standing }: Pick<OwnedBy, 'why' | 'moved' | 'standing'>): string {
  const text = [
    ...(moved && why === 'handed-over' ? [] : [OWNED_WORDS[why]]),
    ...(moved ? [movedText(moved)] : []),
  ].join(': ');
  return standing?.isWeak ? `${text}; ${PROVISIONAL}` : text;
}

/** One sentence or more on an address of a Service. */
export function answeredBy(vip: IpAddress, service: KubeService, facts: ClusterFacts): string {
  const owners = facts.claims.ownersOf(String(vip));
  if (owners.length === 0) return `${vip} is answered by no one: ${whyNoOne(vip, service, facts)}.`;
  const texts = owners.map((owner) => {
    const { node, interface: ifname, sinceSeconds, term } = owner;
    return `${node} on ${ifname} since ${timeText(sinceSeconds * 1000)} (${whyOwned(owner)}; term ${term})`;
  });
  return [
    `${vip} is answered by ${texts.join(' and by ')}.`,
    ...facts.claims.contactsOf(owners).map(sentenceOn),
    ...(isAskedOfAll(vip, service, facts) ? owners.map((owner) => servedBy(vip, owner, facts)) : []),
  ].join(' ');
}

/** Whether the Service asks that every node serves an address of it. */
function isAskedOfAll(vip: IpAddress, service: KubeService, { config }: ClusterFacts): boolean {
  const policies = policiesOfVip(service, vip, config);
  const asked = policies.announced ? policies.advertisements : [];
  return serveModeOf(service.metadata?.annotations ?? {}, asked) === 'every-node';
}

function servedBy(vip: IpAddress, { node, interface: ifname }: OwnedBy, facts: ClusterFacts): string {
  const state = facts.reports.find((report) => report.node === node)?.state;
  const serving = state?.serving?.find((one) => one.interface === ifname && one.vip.equals(vip));
  const since = serving ? ` since ${timeText(serving.sinceSeconds * 1000)}` : '';
  return `${servedText(vip, { node, serving })}${since}.`;
}

function sentenceOn(loss: ContactLoss): string {
  const { node, interface: ifname } = loss;
  if (loss.kind === 'CutOff')
    return `${node} is cut off on ${ifname}: it hears neither most of the other nodes nor a gateway nor a client.`;
  if (loss.kind === 'NodesNotReached')
    return `${node} reaches ${loss.notReached.join(' and ')} in no way on ${ifname}: those may answer for it as well.`;
  const names = loss.unheardBy.join(' and ');
  return `Heartbeats of ${node} do not reach ${names}; it answers, so nothing is taken over.`;
}

/** Why no one answers for an address of a Service. */
export function whyNoOne(vip: IpAddress, service: KubeService, facts: ClusterFacts): string {
  const policies = policiesOfVip(service, vip, facts.config);
  if (!policies.announced) return policies.message;
  const live = facts.reports.filter(isLive);
  if (live.length === 0) return 'no speaker reports';
  const obstacles = live.map(
    (report) => obstacleTo(vip, report, facts) ?? `${report.node} could answer and does not yet`,
  );
  return obstacles.join(', ');
}
