// SPDX-License-Identifier: Apache-2.0
/** `kubectl berth explain SERVICE`: why it has this address, or none, and who answers for it, from all that is known. */
import {
  Allocator,
  explainPools,
  isOurs,
  loadBalancerClassRule,
  type PoolVerdict,
  readServiceRequest,
  type ServiceRequest,
} from '@berth/core';
import { keyOf, type Service } from '@berth/kube';
import { answeredBy } from '../answered-by.ts';
import { type ClusterState, noteOnConfig } from '../cluster-state.ts';
import { CommandError, type Environment, EXIT } from '../environment.ts';
import type { ClusterOptions, Operation } from '../operation.ts';
import { formatCount, formatTable } from '../output.ts';
import { type Placement, readPlacement } from '../placement.ts';

export async function explain(
  operation: Extract<Operation, { kind: 'explain' }>,
  environment: Environment,
): Promise<number> {
  const { cluster } = operation;
  const { api, namespace } = await environment.connect(cluster);
  const key = `${operation.service.namespace ?? namespace}/${operation.service.name}`;
  const nowMs = environment.clock.date().getTime();
  const placement = await readPlacement(api, cluster, nowMs);
  const { state } = placement;
  environment.err(noteOnConfig(state));
  const service = state.services.find((each) => keyOf(each) === key);
  if (service === undefined) throw new CommandError(`there is no Service ${key}`);
  environment.out(explanationOf(service, { state, placement, cluster, nowMs }));
  return EXIT.ok;
}

interface Known {
  readonly state: ClusterState;
  readonly placement: Placement;
  readonly cluster: ClusterOptions;
  readonly nowMs: number;
}

function explanationOf(service: Service, known: Known): string {
  const notOurs = whyNotOurs(service, known.cluster);
  const conditions = conditionsOf(service);
  if (notOurs !== undefined) return `${keyOf(service)}: Berth does nothing, since ${notOurs}.\n${conditions}`;
  const request = readServiceRequest(service);
  if (request === undefined) return `${keyOf(service)} waits for its cluster IP.\n${conditions}`;
  const allocator = new Allocator(known.state);
  allocator.reset(known.state.ledger);
  return [
    `${headline(service, request)}\n`,
    `Asks for: ${wishesOf(request)}.\n`,
    ledgerOf(allocator, request),
    answeredBy(service, request.shownAddresses, known.placement),
    conditions,
    poolsOf(explainPools(allocator, request, known.nowMs)),
    verdictOf(allocator, request, known.nowMs),
  ].join('');
}

function whyNotOurs({ metadata, spec }: Service, { loadBalancerClass }: ClusterOptions): string | undefined {
  if (spec?.type !== 'LoadBalancer') return `its type is ${spec?.type ?? 'unknown'}`;
  const rule = loadBalancerClassRule(loadBalancerClass);
  if (!isOurs({ spec }, rule))
    return `its class is ${spec.loadBalancerClass ?? 'not set'} and Berth serves ${loadBalancerClass}`;
  return metadata.deletionTimestamp === undefined ? undefined : 'it is being deleted';
}

function headline(service: Service, { shownAddresses }: ServiceRequest): string {
  const key = keyOf(service);
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
  return `The ledger gives it: ${held.join(' and ') || 'nothing'}.\n`;
}

function conditionsOf({ status }: Service): string {
  const ours = (status?.conditions ?? []).filter(({ type }) => type.startsWith('berth.dev/'));
  if (ours.length === 0) return 'Conditions: none of Berth.\n';
  const rows = ours.map(({ type, status: state, reason, message }) => [`  ${type}`, state, reason, message]);
  return `Conditions:\n${formatTable(rows)}`;
}

function poolsOf(verdicts: readonly PoolVerdict[]): string {
  if (verdicts.length === 0) return 'Pools: none.\n';
  const rows = verdicts.map((verdict) => [`  ${verdict.pool}`, freeIn(verdict), remarkOn(verdict)]);
  return `Pools, in the order in which they are tried:\n${formatTable(rows)}`;
}

function freeIn({ usage }: PoolVerdict): string {
  return usage
    .map(({ family, free, total }) => `${family}: ${formatCount(free)} of ${formatCount(total)} free`)
    .join(', ');
}

function remarkOn({ closed, autoAssign, quota, reserved, usage }: PoolVerdict): string {
  const quarantined = usage.reduce((sum, row) => sum + row.quarantined, 0n);
  const remarks = [
    ...(closed === undefined ? [] : [closed]),
    ...(autoAssign ? [] : ['only on request (autoAssign: false)']),
    ...(quota === undefined ? [] : [`quota: ${quota.used} of ${quota.limit}`]),
    ...(reserved.length === 0 ? [] : [`keeps ${reserved.join(', ')} for it`]),
  ];
  return (remarks.join('; ') || 'open to it') + (quarantined === 0n ? '' : `; ${quarantined} in quarantine`);
}

// The same code as in the controller decides; its draft is thrown away.
function verdictOf(allocator: Allocator, request: ServiceRequest, nowMs: number): string {
  const { condition, retryAtMs } = allocator.decide(request, nowMs);
  const retry = retryAtMs === undefined ? '' : ` Next try at ${new Date(retryAtMs).toISOString()}.`;
  return `Decision: ${condition.reason}: ${condition.message}.${retry}\n`;
}
