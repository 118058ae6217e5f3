// SPDX-License-Identifier: Apache-2.0
/** Objects cut down to what the speaker reads, since it keeps all Services and Nodes of the cluster in memory. */
import { CONDITION_ANNOUNCED, type KubeService, wasAnnounced } from '@berth/core';
import type { Condition, Node, ObjectMeta, Service } from '@berth/kube';

/** Stands for all that conditions say here: that the addresses were announced before. One for all Services, since memory counts. */
const ANNOUNCED_BEFORE: readonly Condition[] = [
  { type: CONDITION_ANNOUNCED, status: 'True', reason: '', message: '', lastTransitionTime: '' },
];

export function trimService(service: Service): Service {
  const { type, loadBalancerClass } = service.spec ?? {};
  const loadBalancer = service.status?.loadBalancer;
  const conditions = wasAnnounced(service, Date.now()) ? ANNOUNCED_BEFORE : undefined;
  return {
    metadata: identityOf(service.metadata),
    spec: { ...(type && { type }), ...(loadBalancerClass && { loadBalancerClass }) },
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

/** Conditions keep only type and status: their heartbeat times change for nothing. */
export function trimNode(node: Node): Node {
  const taints = node.spec?.taints;
  const conditions = node.status?.conditions?.map(({ type, status }) => ({ type, status }));
  return {
    metadata: identityOf(node.metadata),
    spec: { ...(taints && { taints }) },
    status: { ...(conditions && { conditions }) },
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
