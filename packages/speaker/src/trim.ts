// SPDX-License-Identifier: Apache-2.0
/** Objects cut down to what the speaker reads, since it keeps all Services and Nodes of the cluster in memory. */
import {
  CONDITION_ANNOUNCED,
  DRAIN_ANNOTATION,
  type IpAddress,
  type KubeService,
  shownAddressesOf,
  wasAnnounced,
} from '@berth/core';
import type { Condition, Node, ObjectMeta, Service } from '@berth/kube';

/** Stands in a mark for each address that the Service shows. */
const ALL = 'all';

/** The mark of nearly every Service; one object for all of them, since memory counts. */
const ALL_USED = usedMark(ALL);

export function trimService(service: Service): Service {
  const { type, loadBalancerClass, externalTrafficPolicy } = service.spec ?? {};
  const isLocal = externalTrafficPolicy === 'Local';
  const loadBalancer = service.status?.loadBalancer;
  const conditions = usedMarkOf(service);
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

/** Whether an address that a trimmed Service shows was announced for it before. */
export function wasUsed({ status }: KubeService, vip: IpAddress): boolean {
  const [mark] = status?.conditions ?? [];
  if (mark === undefined) return false;
  return mark.message === ALL || mark.message.split(' ').includes(String(vip));
}

function usedMarkOf(service: Service): readonly Condition[] | undefined {
  const shown = shownAddressesOf(service);
  const nowMs = Date.now();
  const used = shown.filter((vip) => wasAnnounced(service, vip, nowMs));
  if (used.length === 0) return undefined;
  return used.length === shown.length ? ALL_USED : usedMark(used.join(' '));
}

// All that a trimmed Service keeps of its conditions: its message lists the addresses that were announced before.
function usedMark(message: string): readonly Condition[] {
  return [{ type: CONDITION_ANNOUNCED, status: 'True', reason: '', message, lastTransitionTime: '' }];
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
