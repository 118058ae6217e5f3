// SPDX-License-Identifier: Apache-2.0
/** Objects cut down to what the speaker reads, since it keeps all Services and Nodes of the cluster in memory. */
import {
  CONDITION_ADDRESS_ASSIGNED,
  CONDITION_ANNOUNCED,
  CONDITION_GIVEN,
  DRAIN_ANNOTATION,
  type KubeService,
} from '@berth/core';
import type { Condition, Node, ObjectMeta, Service } from '@berth/kube';

/** The conditions that say what was given and since when. */
const KEPT_CONDITIONS: readonly string[] = [CONDITION_GIVEN, CONDITION_ADDRESS_ASSIGNED, CONDITION_ANNOUNCED];

export function trimService(service: Service): Service {
  const { type, loadBalancerClass, externalTrafficPolicy } = service.spec ?? {};
  const isLocal = externalTrafficPolicy === 'Local';
  const loadBalancer = service.status?.loadBalancer;
  const conditions = factsOf(service);
  return {
    metadata: identityOf(service.metadata),
    spec: {
      ...(type && { type }),
      ...(loadBalancerClass && { loadBalancerClass }),
      ...(isLocal && { externalTrafficPolicy }),
      ...(type === 'LoadBalancer' && servingOf(service)),
    },
    status: { ...(loadBalancer && { loadBalancer }), ...(conditions && { conditions }) },
  };
}

/** What has to be known to serve it on every node. */
function servingOf({ spec }: Service): Partial<NonNullable<Service['spec']>> {
  const { ports = [], sessionAffinity, healthCheckNodePort } = spec ?? {};
  return {
    ports: ports.map(({ port, protocol }) => ({ port, ...(protocol && { protocol }) })),
    ...(sessionAffinity === 'ClientIP' && { sessionAffinity }),
    ...(healthCheckNodePort && { healthCheckNodePort }),
  };
}

// The texts for people are left out: nothing is read of them. Only the fact has one for programs.
function factsOf({ status }: Service): readonly Condition[] | undefined {
  const kept = status?.conditions?.filter(({ type }) => KEPT_CONDITIONS.includes(type)) ?? [];
  if (kept.length === 0 || !status?.loadBalancer?.ingress?.length) return undefined;
  return kept.map(({ type, status: state, message, lastTransitionTime }) => ({
    ...{ type, status: state, reason: '', lastTransitionTime },
    message: type === CONDITION_GIVEN ? message : '',
  }));
}

/** A Service as core reads it. */
export function kubeServiceOf({ metadata, spec, status }: Service): KubeService {
  const { loadBalancer, conditions } = status ?? {};
  return {
    metadata,
    ...(spec && { spec }),
    ...(loadBalancer && { status: { loadBalancer, ...(conditions && { conditions }) } }),
  };
}

/**
 * Conditions keep only type and status: their heartbeat times change for nothing. Of annotations only the one that
 * drains is kept, of addresses those that are no names.
 */
export function trimNode(node: Node): Node {
  const { taints, unschedulable } = node.spec ?? {};
  const conditions = node.status?.conditions?.map(({ type, status }) => ({ type, status }));
  const addresses = node.status?.addresses?.filter(({ type }) => type.endsWith('IP'));
  const drain = node.metadata.annotations?.[DRAIN_ANNOTATION];
  const { annotations: _, ...metadata } = node.metadata;
  return {
    metadata: identityOf(drain === undefined ? metadata : { ...metadata, annotations: { [DRAIN_ANNOTATION]: drain } }),
    spec: { ...(taints && { taints }), ...(unschedulable && { unschedulable }) },
    status: { ...(conditions && { conditions }), ...(addresses && { addresses }) },
  };
}

// Annotations are read for the sharing key only, but may be long: the last applied manifest is among them.
function identityOf(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, labels, annotations } = metadata;
  const short = Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith('kubectl.kubernetes.io/'));
  return {
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(deletionTimestamp && { deletionTimestamp }),
    ...(labels && { labels }),
    ...(short.length > 0 && { annotations: Object.fromEntries(short) }),
  };
}
