// SPDX-License-Identifier: Apache-2.0
/**
 * What of each object goes into an archive: the fields that Berth looks at, by name; whatever else there is stays where
 * it is.
 */
import { HISTORY_MAP, isLedger, LAST_GOOD_MAP, ORDERS_MAP, POOL_CONFIG_MAP, POOL_STATUS_MAP } from '@berth/core';
import type {
  ConfigMap,
  EndpointSlice,
  EventObject,
  KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  Service,
} from '@berth/kube';
import { LEFT_OUT, SECRET_NAME } from './redact.ts';

/** Annotations that Berth or MetalLB writes or reads. `last-applied-configuration` is a copy of everything. */
const ANNOTATIONS = /^(berth\.dev|metallb\.io|metallb\.universe\.tf|kube-vip\.io)\//;
const OUR_MAPS: readonly string[] = [POOL_CONFIG_MAP, LAST_GOOD_MAP, POOL_STATUS_MAP, HISTORY_MAP, ORDERS_MAP];
const SERVICE_OF_SLICE = 'kubernetes.io/service-name';

type Fields = Readonly<Record<string, unknown>>;

/** The named fields, as far as they are there. */
function pick(object: object | undefined, names: readonly string[]): Fields {
  const all = (object ?? {}) as Fields;
  return Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

function metadataOf({ metadata }: KubeObject): Fields {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([name]) => ANNOTATIONS.test(name));
  return {
    ...pick(metadata, ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp']),
    ...pick(metadata, ['deletionTimestamp', 'finalizers', 'labels']),
    annotations: Object.fromEntries(annotations),
  };
}

/** Of a Service that asks for no LoadBalancer only the addresses that it takes. */
export function serviceFields(service: Service): Fields {
  const { metadata, spec, status } = service;
  const isOurs = spec?.type === 'LoadBalancer' || (metadata.finalizers ?? []).length > 0;
  if (!isOurs)
    return { metadata: pick(metadata, ['name', 'namespace']), spec: pick(spec, ['type', 'clusterIPs', 'externalIPs']) };
  return {
    metadata: metadataOf(service),
    spec: {
      ...pick(spec, ['type', 'loadBalancerClass', 'loadBalancerIP', 'clusterIPs', 'externalIPs', 'ipFamilies']),
      ...pick(spec, ['ipFamilyPolicy', 'externalTrafficPolicy', 'internalTrafficPolicy', 'sessionAffinity']),
      ...pick(spec, ['allocateLoadBalancerNodePorts', 'healthCheckNodePort', 'selector', 'publishNotReadyAddresses']),
      ports: spec?.ports?.map((port) => pick(port, ['name', 'port', 'protocol', 'nodePort', 'targetPort'])),
    },
    status: pick(status, ['loadBalancer', 'conditions']),
  };
}

export function nodeFields(node: Node): Fields {
  return {
    metadata: metadataOf(node),
    spec: pick(node.spec, ['unschedulable', 'taints', 'podCIDRs']),
    status: pick(node.status, ['addresses', 'conditions', 'nodeInfo']),
  };
}

export function namespaceFields({ metadata }: Namespace): Fields {
  return { metadata: pick(metadata, ['name', 'labels']) };
}

export function sliceFields({ metadata, addressType, endpoints, ports }: EndpointSlice): Fields {
  const labels = pick(metadata.labels, [SERVICE_OF_SLICE]);
  return {
    metadata: { ...pick(metadata, ['name', 'namespace']), labels },
    addressType,
    endpoints: endpoints?.map((one) => pick(one, ['addresses', 'conditions', 'nodeName', 'zone'])),
    ports,
  };
}

export function leaseFields(lease: Lease): Fields {
  return { metadata: metadataOf(lease), spec: lease.spec };
}

/** Whether a ConfigMap of Berth's namespace is one that Berth reads or writes. */
export function isOurMap(map: ConfigMap): boolean {
  return OUR_MAPS.includes(map.metadata.name) || isLedger(map);
}

/** Of the pools only what is read: a key that ends otherwise may hold anything. */
export function configMapFields(map: ConfigMap): Fields {
  const isRead = ([key]: [string, string]) => map.metadata.name !== POOL_CONFIG_MAP || /\.ya?ml$/.test(key);
  return { metadata: metadataOf(map), data: Object.fromEntries(Object.entries(map.data ?? {}).filter(isRead)) };
}

export function podFields(pod: Pod): Fields {
  const { spec, status } = pod;
  return {
    metadata: metadataOf(pod),
    spec: {
      ...pick(spec, ['nodeName', 'hostNetwork', 'priorityClassName', 'serviceAccountName', 'tolerations']),
      containers: spec?.containers.map((one) => ({
        ...pick(one, ['name', 'image', 'args', 'ports', 'resources', 'securityContext']),
        // Which are set, and not to what.
        env: one.env?.map(({ name }) => ({ name, value: LEFT_OUT })),
      })),
    },
    status: pick(status, ['phase', 'reason', 'message', 'conditions', 'containerStatuses', 'startTime']),
  };
}

/** Values of the environment that are secrets by their names: a program may have written them into its log. */
export function secretValues(all: readonly Pod[]): string[] {
  const variables = all.flatMap(({ spec }) => (spec?.containers ?? []).flatMap(({ env }) => env ?? []));
  return variables.flatMap(({ name, value }) => (value !== undefined && SECRET_NAME.test(name) ? [value] : []));
}

export function eventFields(event: EventObject): Fields {
  return {
    metadata: pick(event.metadata, ['name', 'namespace', 'creationTimestamp']),
    involvedObject: pick(event.involvedObject, ['kind', 'namespace', 'name', 'uid']),
    ...pick(event, ['type', 'reason', 'message', 'count', 'firstTimestamp', 'lastTimestamp', 'eventTime']),
    source: pick(event.source, ['component', 'host']),
  };
}

/** Events of Berth's own objects, and those of Berth about others. */
export function isOurEvent({ metadata, source }: EventObject, berthNamespace: string): boolean {
  return metadata.namespace === berthNamespace || source?.component?.startsWith('berth-') === true;
}
