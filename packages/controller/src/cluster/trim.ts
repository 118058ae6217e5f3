// SPDX-License-Identifier: Apache-2.0
/**
 * Objects cut down to what the controller reads or has to write back, since it keeps all Services of the cluster in
 * memory.
 */
import { IpAddress } from '@berth/core';
import type { Condition, Namespace, Node, Service } from '@berth/kube';
import { otherStatusWriters } from './other-writer.ts';
import { SharedValues } from './shared-values.ts';

/** Some tools keep a copy of the whole object in this annotation; no one here reads it. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const shared = new SharedValues();

/**
 * Finalizers, ingress and conditions stay as they are, those of others too: patches carry the whole lists. Of the
 * writers of fields only the names of others stay that write what Berth writes.
 */
export function trimService({ metadata, spec, status }: Service): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(metadata),
    ...(spec && { spec: shared.object(specOf(spec)) }),
    status: statusOf(status ?? {}),
  };
}

type Status = NonNullable<Service['status']>;

// Not by spreading: an object that is put together so takes more room, and of these there are thousands.
function statusOf({ loadBalancer, conditions: all }: Status): Status {
  const conditions = all?.map(conditionOf);
  if (loadBalancer && conditions) return { loadBalancer, conditions };
  if (loadBalancer) return { loadBalancer };
  return conditions ? { conditions } : {};
}

function conditionOf(condition: Condition): Condition {
  const type = shared.text(condition.type);
  const reason = shared.text(condition.reason);
  return { ...condition, type, reason, lastTransitionTime: shared.text(condition.lastTransitionTime) };
}

export function trimNamespace({ metadata }: Namespace): Namespace {
  const { name, resourceVersion, uid, labels } = metadata;
  return {
    metadata: { name, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }), ...(labels && { labels }) },
  };
}

/**
 * Only which addresses a node has and what it is built for: its heartbeats and conditions are no business of the
 * controller.
 */
export function trimNode({ metadata, spec, status }: Node): Node {
  const { name, resourceVersion, uid } = metadata;
  const { podCIDR, podCIDRs } = spec ?? {};
  const addresses = status?.addresses?.filter(({ type }) => type.endsWith('IP'));
  return {
    metadata: { name, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
    spec: { ...(podCIDR && { podCIDR }), ...(podCIDRs && { podCIDRs }) },
    status: {
      ...(addresses && { addresses }),
      ...(status?.nodeInfo && { nodeInfo: platformOf(status.nodeInfo) }),
    },
  };
}

type NodeInfo = NonNullable<NonNullable<Node['status']>['nodeInfo']>;

function platformOf({ architecture, operatingSystem }: NodeInfo): NodeInfo {
  return { architecture, operatingSystem } as NodeInfo;
}

function metadataOf(metadata: Service['metadata']): Service['metadata'] {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const { labels, annotations, finalizers, managedFields = [] } = metadata;
  const writers = otherStatusWriters(managedFields);
  const kept = Object.entries(annotations ?? {}).filter(([key]) => key !== LAST_APPLIED);
  return {
    name,
    ...(namespace && { namespace: shared.text(namespace) }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(creationTimestamp && { creationTimestamp: shared.text(creationTimestamp) }),
    ...(deletionTimestamp && { deletionTimestamp }),
    ...(labels && { labels: shared.object(labels) }),
    ...(kept.length > 0 && { annotations: shared.object(Object.fromEntries(kept)) }),
    ...(finalizers && { finalizers: shared.object(finalizers) }),
    ...(writers.length > 0 && { managedFields: writers }),
  };
}

// Of cluster IPs only the families are read; without the addresses most Services have the same spec.
function anyOfFamily(text: string): string {
  const address = IpAddress.parse(text);
  if (!address.ok) return text;
  return address.value.family === 'IPv4' ? '0.0.0.0' : '::';
}

type Spec = NonNullable<Service['spec']>;

function specOf(spec: Spec): Spec {
  const { type, loadBalancerClass, loadBalancerIP, clusterIPs, clusterIP, ipFamilyPolicy } = spec;
  const { externalTrafficPolicy, selector, ports, externalIPs } = spec;
  return {
    ...(type && { type }),
    ...(loadBalancerClass && { loadBalancerClass }),
    ...(loadBalancerIP && { loadBalancerIP }),
    // The list says the same where there is one.
    ...(clusterIPs?.length ? { clusterIPs: clusterIPs.map(anyOfFamily) } : clusterIP && { clusterIP }),
    ...(ipFamilyPolicy && { ipFamilyPolicy }),
    ...(externalTrafficPolicy && { externalTrafficPolicy }),
    ...(externalIPs?.length && { externalIPs }),
    ...(selector && { selector }),
    ...(ports && { ports: ports.map(({ port, protocol }) => ({ port, ...(protocol && { protocol }) })) }),
  };
}
