// SPDX-License-Identifier: Apache-2.0
/**
 * Why a Service has its address, or none, and who answers for it, from all that is known: sections of lines and tables.
 */

import { timeText } from '../history/time-text.ts';
import type { Allocator } from '../ipam/allocator.ts';
import { explainPools, type PoolAnswer } from '../ipam/explain.ts';
import type { KubeService } from '../service/kube-service.ts';
import { isOurs } from '../service/load-balancer-class.ts';
import { readServiceRequest, type ServiceRequest } from '../service/service-request.ts';
import { answeredBy } from './answered-by.ts';
import { betterNodeTexts } from './better-node-words.ts';
import { allocatorOf, type ClusterFacts } from './cluster-facts.ts';
import { countText } from './count-text.ts';
import { plannedMoveText } from './planned-move-words.ts';

export interface ExplanationSection {
  /** Above the table; empty where the lines say all. */
  readonly title: string;
  readonly lines: readonly string[];
  /** Cells of a table without head. */
  readonly rows: readonly (readonly string[])[];
}

export interface Explanation {
  /** Key of the Service. */
  readonly service: string;
  readonly vips: readonly string[];
  readonly sections: readonly ExplanationSection[];
}

/** Undefined when there is no such Service. */
export function explainService(facts: ClusterFacts, key: string): Explanation | undefined {
  const service = facts.byKey.get(key);
  if (service === undefined) return undefined;
  const notOurs = whyNotOurs(service, facts);
  const request = notOurs === undefined ? readServiceRequest(service, facts.rule) : undefined;
  const conditions = conditionsOf(service);
  if (request === undefined) {
    const line =
      notOurs === undefined ? `${key} waits for its cluster IP.` : `${key}: Berth does nothing, since ${notOurs}.`;
    return { service: key, vips: [], sections: [said(line), conditions] };
  }
  const allocator = allocatorOf(facts);
  const { nowMs } = facts.objects;
  return {
    service: key,
    vips: request.shownAddresses.map(String),
    sections: [
      said(headline(key, request), `Asks for: ${wishesOf(request)}.`, ledgerOf(allocator, request)),
      said(
        ...request.shownAddresses.map((vip) => answeredBy(vip, service, facts)),
        ...request.shownAddresses.flatMap((vip) => plannedMoveText(vip, facts) ?? []),
        ...betterNodeTexts(request.shownAddresses, facts),
      ),
      conditions,
      poolsOf(explainPools(allocator, request, nowMs)),
      said(decisionText(allocator, request, nowMs)),
    ],
  };
}

function said(...lines: string[]): ExplanationSection {
  return { title: '', lines, rows: [] };
}

function whyNotOurs(service: KubeService, { rule, objects }: ClusterFacts): string | undefined {
  const { metadata, spec } = service;
  if (spec?.type !== 'LoadBalancer') return `its type is ${spec?.type ?? 'unknown'}`;
  if (!isOurs(service, rule))
    return `its class is ${spec.loadBalancerClass ?? 'not set'} and Berth serves ${objects.loadBalancerClass}`;
  return metadata?.deletionTimestamp === undefined ? undefined : 'it is being deleted';
}

function headline(key: string, { shownAddresses }: ServiceRequest): string {
  return shownAddresses.length === 0 ? `${key} has no address.` : `${key} has ${shownAddresses.join(' and ')}.`;
}

function wishesOf({ families, familyPolicy, wantedAddresses, wantedPool, sharing, leaving }: ServiceRequest): string {
  const wanted =
    wantedAddresses.length === 0 ? `an address of ${families.join(' and ')}` : wantedAddresses.join(' and ');
  return [
    wanted,
    ...(families.length > 1 || familyPolicy === 'RequireDualStack' ? [familyPolicy] : []),
    ...(wantedPool === undefined ? [] : [`of pool ${wantedPool}`]),
    ...(sharing.key === '' ? [] : [`shared by key "${sharing.key}"`]),
    ...(leaving.length === 0 ? [] : [`but no longer ${leaving.join(' or ')}`]),
  ].join(', ');
}

function ledgerOf({ table }: Allocator, { service }: ServiceRequest): string {
  const held = table.heldBy(service).map(({ address, holders, quarantine }) => {
    const others = holders.filter((holder) => holder.service !== service).map((holder) => holder.service);
    const remarks = [
      ...(others.length === 0 ? [] : [`with ${others.join(', ')}`]),
      ...(quarantine === undefined ? [] : ['in quarantine']),
    ];
    return `${address}${remarks.length === 0 ? '' : ` (${remarks.join('; ')})`}`;
  });
  return `The ledger gives it: ${held.join(' and ') || 'nothing'}.`;
}

function conditionsOf({ status }: KubeService): ExplanationSection {
  const ours = (status?.conditions ?? []).filter(({ type }) => type.startsWith('berth.dev/'));
  if (ours.length === 0) return said('Conditions: none of Berth.');
  const rows = ours.map(({ type, status: state, reason, message }) => [type, state, reason, message]);
  return { title: 'Conditions:', lines: [], rows };
}

function poolsOf(answers: readonly PoolAnswer[]): ExplanationSection {
  if (answers.length === 0) return said('Pools: none.');
  const rows = answers.map((answer) => [answer.pool, freeIn(answer), remarkOn(answer)]);
  return { title: 'Pools, in the order in which they are tried:', lines: [], rows };
}

function freeIn({ usage }: PoolAnswer): string {
  return usage.map(({ family, free, total }) => `${family}: ${countText(free)} of ${countText(total)} free`).join(', ');
}

function remarkOn({ object, closed, autoAssign, quota, reserved, usage }: PoolAnswer): string {
  const quarantined = usage.reduce((sum, row) => sum + row.quarantined, 0n);
  const remarks = [
    ...(closed === undefined ? [] : [closed]),
    ...(autoAssign ? [] : ['only on request (autoAssign: false)']),
    ...(quota === undefined ? [] : [`quota: ${quota.used} of ${quota.limit}`]),
    ...(reserved.length === 0 ? [] : [`keeps ${reserved.join(', ')} for it`]),
  ];
  const source = object === undefined ? '' : `; object ${object} of MetalLB`;
  return (remarks.join('; ') || 'open to it') + (quarantined === 0n ? '' : `; ${quarantined} in quarantine`) + source;
}

// The same code as in the controller decides; its draft is thrown away.
function decisionText(allocator: Allocator, request: ServiceRequest, nowMs: number): string {
  const { condition, retryAtMs } = allocator.decide(request, nowMs);
  const retry = retryAtMs === undefined ? '' : ` Next try at ${timeText(retryAtMs)}.`;
  return `Decision: ${condition.reason}: ${condition.message}.${retry}`;
}
