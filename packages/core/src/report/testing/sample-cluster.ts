// SPDX-License-Identifier: Apache-2.0
/** A cluster as objects of the API server, as large and as ill as a test needs it. */

import { encodeRecord, entryKeyOf } from '../../ipam/ledger-entry.ts';
import { LEDGER_LABEL, LEDGER_NAME } from '../../ipam/ledger-object.ts';
import { IPV4_ONLY, poolDocuments } from '../../ipam/testing/builders.ts';
import { IpAddress } from '../../net/ip-address.ts';
import { MacAddress } from '../../net/mac-address.ts';
import { encodeNodeHealth, encodeNodeState } from '../../node-state/encode.ts';
import { nodeLabelValue, nodeLeaseName } from '../../node-state/lease-name.ts';
import {
  NODE_HEALTH_ANNOTATION,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  type NodeHealth,
  type NodeState,
  type OwnedState,
} from '../../node-state/node-state.ts';
import { IDLE_NODE_STATE } from '../../node-state/testing.ts';
import type { KubeService } from '../../service/kube-service.ts';
import { DEFAULT_LOAD_BALANCER_CLASS } from '../../service/load-balancer-class.ts';
import { CONDITION_ADDRESS_ASSIGNED, usageCondition } from '../../service/usage.ts';
import { CONDITION_ANNOUNCED } from '../../status/announced.ts';
import { CONDITION_REACHABLE } from '../../status/reachable.ts';
import type { ClusterObjects, KubeConfigMap, KubeLease, KubeNode } from '../objects.ts';

/** The moment of all samples: 2026-11-30T10:00:00Z. */
export const SAMPLE_MS = Date.UTC(2026, 10, 30, 10);
const NAMESPACE = 'berth-system';
const INTERFACE = 'lan0';
/** Services of one namespace. */
const PER_NAMESPACE = 40;

export interface SampleOptions {
  /** Default: 3. */
  readonly nodes?: number;
  /** Services with one VIP each, spread evenly over the nodes. Default: 6. */
  readonly vips?: number;
  /** Changes what a node says, by its name. */
  readonly states?: Readonly<Record<string, Partial<NodeState>>>;
  readonly healths?: Readonly<Record<string, NodeHealth>>;
  /** Nodes without a Lease, and such whose Lease has been silent for ten minutes. */
  readonly absent?: readonly string[];
  readonly silent?: readonly string[];
  /** Further Services, as they are. */
  readonly services?: readonly KubeService[];
  /** Text of the pools instead of a pool `lan` that has room for as many again. */
  readonly pools?: string;
  readonly configMaps?: readonly KubeConfigMap[];
  /** Default: `controller-0` renewed its Lease a second ago. */
  readonly leader?: 'present' | 'gone';
}

/** Names of the nodes are edge-1, edge-2, ...; VIPs are 198.18.0.1 and so on, of Services ns-0/s-0 and so on. */
export function sampleCluster(options: SampleOptions = {}): ClusterObjects {
  const { nodes = 3, vips = 6, services = [], configMaps = [], absent = [] } = options;
  const names = Array.from({ length: nodes }, (_, index) => `edge-${index + 1}`);
  const present = names.filter((name) => !absent.includes(name));
  const addresses = Array.from({ length: vips }, (_, index) => sampleVip(index));
  return {
    nowMs: SAMPLE_MS,
    berthNamespace: NAMESPACE,
    loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS,
    services: [...addresses.map((vip, index) => serviceOf(index, vip, ownerOf(index, present))), ...services],
    nodes: names.map(nodeOf),
    namespaces: [...new Set(addresses.map((_, index) => namespaceOf(index)))].map((name) => ({ metadata: { name } })),
    leases: [
      ...present.map((name) => leaseOf(name, stateOf(name, present, addresses), options)),
      ...(options.leader === 'gone' ? [] : [leaderLease()]),
    ],
    configMaps: [poolMap(options, vips), ledgerOf(addresses), ...configMaps],
    endpointSlices: [],
    serviceCidrs: ['10.96.0.0/16'],
  };
}

/** The VIP of a number from 0. */
export function sampleVip(index: number): IpAddress {
  return IpAddress.of('IPv4', 0xc612_0001n + BigInt(index));
}

function ownerOf(index: number, nodes: readonly string[]): string {
  return nodes[index % nodes.length] ?? '';
}

function namespaceOf(index: number): string {
  return `ns-${Math.floor(index / PER_NAMESPACE)}`;
}

function timeText(ageSeconds: number): string {
  return new Date(SAMPLE_MS - ageSeconds * 1000).toISOString().replace('.000Z', 'Z');
}

function serviceOf(index: number, vip: IpAddress, owner: string): KubeService {
  const conditions = [
    usageCondition({ loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS, given: [vip], used: [vip] }),
    { type: CONDITION_ADDRESS_ASSIGNED, status: 'True', reason: 'Assigned', message: `${vip} from pool lan` },
    { type: CONDITION_ANNOUNCED, status: 'True', reason: 'Announced', message: `${vip} from ${owner} on ${INTERFACE}` },
    { type: CONDITION_REACHABLE, status: 'True', reason: 'Answered', message: `other nodes get the right answer` },
  ] as const;
  return {
    metadata: {
      ...{ name: `s-${index}`, namespace: namespaceOf(index), uid: `uid-${index}`, resourceVersion: '1' },
      // One a day at most: the pool fills slowly.
      creationTimestamp: timeText(86_400 * (index + 1)),
    },
    spec: {
      ...{ type: 'LoadBalancer', loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS, clusterIP: '10.96.0.9' },
      ...{
        clusterIPs: IPV4_ONLY,
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        externalTrafficPolicy: 'Cluster',
      },
      ports: [{ protocol: 'TCP', port: 80 }],
    },
    status: {
      loadBalancer: { ingress: [{ ip: String(vip), ipMode: 'VIP' }] },
      conditions: conditions.map((one) => ({ ...one, lastTransitionTime: timeText(3600) })),
    },
  };
}

function nodeOf(name: string, index: number): KubeNode {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    status: {
      addresses: [{ address: String(IpAddress.of('IPv4', 0xc000_0201n + BigInt(index))) }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

function macOf(index: number): MacAddress {
  return MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, index + 1)) ?? MacAddress.ZERO;
}

function stateOf(name: string, names: readonly string[], vips: readonly IpAddress[]): NodeState {
  const place = names.indexOf(name);
  const owned = vips.flatMap((vip, index): OwnedState[] =>
    index % names.length === place
      ? [{ vip, interface: INTERFACE, term: 1, sinceSeconds: SAMPLE_MS / 1000 - 3600, why: 'new' }]
      : [],
  );
  const members = names.filter((other) => other !== name).map((node) => ({ node, hearing: 'both' as const }));
  return {
    ...IDLE_NODE_STATE,
    bootId: (place + 1).toString(16).padStart(16, '0'),
    segments: [{ interface: INTERFACE, mac: macOf(place), phase: 'active', members, answer: 'engine' }],
    owned,
    testedSeconds: SAMPLE_MS / 1000 - 20,
  };
}

function leaseOf(name: string, state: NodeState, { states = {}, healths = {}, silent = [] }: SampleOptions): KubeLease {
  const ageSeconds = silent.includes(name) ? 600 : 4;
  return {
    metadata: {
      ...{ name: nodeLeaseName(name), namespace: NAMESPACE, labels: { [NODE_STATE_LABEL]: nodeLabelValue(name) } },
      annotations: {
        [NODE_STATE_ANNOTATION]: encodeNodeState({ ...state, ...states[name] }),
        [NODE_HEALTH_ANNOTATION]: encodeNodeHealth(healths[name] ?? { latestMs: 2, lapses: 0 }),
      },
    },
    spec: { holderIdentity: name, renewTime: timeText(ageSeconds), leaseDurationSeconds: 30 },
  };
}

function leaderLease(): KubeLease {
  return {
    metadata: { name: 'controller', namespace: NAMESPACE },
    spec: { holderIdentity: 'controller-0', renewTime: timeText(1), leaseDurationSeconds: 15 },
  };
}

function poolMap({ pools }: SampleOptions, vips: number): KubeConfigMap {
  const text = pools ?? poolDocuments({ lan: { addresses: [`${sampleVip(0)}-${sampleVip(2 * vips + 9)}`] } });
  return { metadata: { name: 'ip-address-pools', namespace: NAMESPACE }, data: { 'pools.yaml': text } };
}

function ledgerOf(vips: readonly IpAddress[]): KubeConfigMap {
  const entries = vips.map((address, index) => {
    const service = `${namespaceOf(index)}/s-${index}`;
    const holders = [{ service, poolRequest: '', terms: undefined }];
    return [
      entryKeyOf(address),
      encodeRecord({ address, pool: 'lan', holders, former: undefined, quarantine: undefined }),
    ];
  });
  return {
    metadata: { name: LEDGER_NAME, namespace: NAMESPACE, labels: LEDGER_LABEL, resourceVersion: '1' },
    data: Object.fromEntries(entries),
  };
}
