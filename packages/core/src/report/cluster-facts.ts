// SPDX-License-Identifier: Apache-2.0
/** A cluster as far as its objects tell, each of them read once; everything that people are shown is made from this. */
import { Allocator } from '../ipam/allocator.ts';
import { LEDGER_NAME, type LedgerObject, ledgerObjectOf } from '../ipam/ledger-object.ts';
import { type Departing, departingOf } from '../ipam/live-status.ts';
import { type Occupant, Occupants } from '../ipam/occupants.ts';
import { occupantsOfNode, occupantsOfService, occupantsOfServiceRanges } from '../ipam/occupants-of.ts';
import { nodesWithEndpoint } from '../placement/usable-endpoint.ts';
import { type KubeService, serviceKeyOf } from '../service/kube-service.ts';
import { isOurs, type LoadBalancerClassRule, loadBalancerClassRule } from '../service/load-balancer-class.ts';
import { readServiceRequest, type ServiceRequest } from '../service/service-request.ts';
import { shownAddressesOf } from '../service/usage.ts';
import { ClaimTable } from './claim-table.ts';
import { type ConfigFacts, configIn } from './config-facts.ts';
import { type DatedReport, nodeReportsOf } from './node-report.ts';
import type { ClusterObjects, KubeConfigMap, KubeNode } from './objects.ts';

const SERVICE_OF_SLICE = 'kubernetes.io/service-name';
const LEDGER_NAMES = new RegExp(`^${LEDGER_NAME}(-\\d+)?$`);

export interface ClusterFacts extends ConfigFacts {
  readonly objects: ClusterObjects;
  readonly rule: LoadBalancerClassRule;
  readonly ledger: readonly LedgerObject[];
  readonly services: readonly KubeService[];
  readonly byKey: ReadonlyMap<string, KubeService>;
  /** Of the Services that are ours and are not being deleted. */
  readonly requests: readonly ServiceRequest[];
  /** The others, with what they show. */
  readonly departing: readonly Departing[];
  /** Who else has addresses. */
  readonly occupants: Occupants;
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly nodes: ReadonlyMap<string, KubeNode>;
  readonly reports: readonly DatedReport[];
  readonly claims: ClaimTable;
  /** Nodes with a usable endpoint, for each Service with `externalTrafficPolicy: Local`. */
  readonly local: ReadonlyMap<string, ReadonlySet<string>>;
  /** The Services that show an address, by its text. */
  readonly holders: ReadonlyMap<string, readonly KubeService[]>;
}

/** What the pools and the ledger say, without anything of nodes. */
export type PoolFacts = Pick<
  ClusterFacts,
  keyof ConfigFacts | 'ledger' | 'services' | 'requests' | 'departing' | 'occupants' | 'namespaces'
>;

/** Objects that {@link readPools} looks at. */
export type PoolObjects = Pick<
  ClusterObjects,
  'loadBalancerClass' | 'services' | 'nodes' | 'namespaces' | 'configMaps' | 'serviceCidrs'
>;

export function readCluster(objects: ClusterObjects): ClusterFacts {
  const { services, nodes, leases, endpointSlices, nowMs } = objects;
  const reports = nodeReportsOf(leases, nowMs);
  const slices = Map.groupBy(
    endpointSlices,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[SERVICE_OF_SLICE] ?? ''}`,
  );
  const local = services.filter(({ spec }) => spec?.externalTrafficPolicy === 'Local').map(serviceKeyOf);
  const shown = services.flatMap((service) => shownAddressesOf(service).map((vip) => ({ vip: String(vip), service })));
  const holders = Map.groupBy(shown, ({ vip }) => vip);
  return {
    ...readPools(objects),
    objects,
    rule: loadBalancerClassRule(objects.loadBalancerClass),
    byKey: new Map(services.map((service) => [serviceKeyOf(service), service])),
    nodes: new Map(nodes.map((node) => [node.metadata.name, node])),
    reports,
    claims: new ClaimTable(reports),
    local: new Map(local.map((key) => [key, nodesWithEndpoint(slices.get(key) ?? [])])),
    holders: new Map([...holders].map(([vip, rows]) => [vip, rows.map(({ service }) => service)])),
  };
}

export function readPools(objects: PoolObjects): PoolFacts {
  const { services, nodes, namespaces, configMaps, serviceCidrs } = objects;
  const rule = loadBalancerClassRule(objects.loadBalancerClass);
  const isStaying = (service: KubeService) =>
    isOurs(service, rule) && service.metadata?.deletionTimestamp === undefined;
  return {
    ...configIn(configMaps),
    ledger: configMaps.filter(isLedger).map(ledgerObjectOf),
    services,
    requests: services.filter(isStaying).flatMap((service) => readingOf(service, rule).request ?? []),
    departing: services.filter((service) => !isStaying(service)).map((service) => departingOf(service, rule)),
    occupants: new Occupants([
      ...services.flatMap((service) => readingOf(service, rule).occupants),
      ...nodes.flatMap(occupantsOfNode),
      ...occupantsOfServiceRanges(serviceCidrs),
    ]),
    namespaces: new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
  };
}

interface Reading {
  /** Class that it was read for. */
  readonly loadBalancerClass: string;
  readonly request: ServiceRequest | undefined;
  readonly occupants: readonly Occupant[];
}

/**
 * What was read of a Service; objects of the API server are never changed. Who watches a cluster reads the same ones
 * again and again.
 */
const readings = new WeakMap<KubeService, Reading>();

function readingOf(service: KubeService, rule: LoadBalancerClassRule): Reading {
  const before = readings.get(service);
  if (before?.loadBalancerClass === rule.loadBalancerClass) return before;
  const reading = {
    loadBalancerClass: rule.loadBalancerClass,
    request: readServiceRequest(service, rule),
    occupants: occupantsOfService(service, rule),
  };
  readings.set(service, reading);
  return reading;
}

/** Whether a ConfigMap of Berth's namespace is one of the ledger. */
export function isLedger({ metadata }: Pick<KubeConfigMap, 'metadata'>): boolean {
  return LEDGER_NAMES.test(metadata.name);
}

/** The allocation rules with all that the ledger says, for reading: what is decided with it is written nowhere. */
export function allocatorOf(facts: Pick<PoolFacts, 'config' | 'namespaces' | 'occupants' | 'ledger'>): Allocator {
  const allocator = new Allocator(facts);
  allocator.reset(facts.ledger);
  return allocator;
}
