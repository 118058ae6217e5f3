// SPDX-License-Identifier: Apache-2.0
/** Objects cut down to what the speaker reads, since it keeps all Services and Nodes of the cluster in memory. */
import { CONDITION_ANNOUNCED, DRAIN_ANNOTATION, type KubeService, wasAnnounced } from '@berth/core';
import type { Condition, Node, ObjectMeta, Service } from '@berth/kube';

/** Stands for all that conditions say here: that the addresses were announced before. One for all Services, since memory counts. */
const ANNOUNCED_BEFORE: readonly Condition[] = [
  { type: CONDITION_ANNOUNCED, status: 'True', reason: '', message: '', lastTransitionTime: '' },
];

export function trimService(service: Service): Service {
  const { type, loadBalancerClass, externalTrafficPolicy } = service.spec ?? {};
  const isLocal = externalTrafficPolicy === 'Local';
  const loadBalancer = service.status?.loadBalancer;
  const conditions = wasAnnounced(service, Date.now()) ? ANNOUNCED_BEFORE : undefined;
  return {
    metadata: identityOf(service.metadata),
    spec: {
      ...(type && { type }),
      ...(loadBalancerClass && { loadBalancerClass }),
      ...(isLocal && { externalTrafficPolicy }),
    },
    status: { ...(loadBalancer && { loadBalancer }), ...(conditions && { conditions }) },
  };
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
 * Conditions keep only type and status: their heartbeat times change for nothing. Of annotations only the one that drains is kept, of
 * addresses those inside the cluster's networks.
 */
export function trimNode(node: Node): Node {
  const { taints, unschedulable } = node.spec ?? {};
  const conditions = node.status?.conditions?.map(({ type, status }) => ({ type, status }));
  const addresses = node.status?.addresses?.filter(({ type }) => type === 'InternalIP');
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
