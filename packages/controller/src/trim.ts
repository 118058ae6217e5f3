// SPDX-License-Identifier: Apache-2.0
/** Objects cut down to what the controller reads or has to write back, since it keeps all Services of the cluster in memory. */
import type { Namespace, Service } from '@berth/kube';

/** Some tools keep a copy of the whole object in this annotation; nobody here reads it. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Finalizers, ingress and conditions stay as they are, those of others too: patches carry the whole lists. */
export function trimService({ metadata, spec, status }: Service): Service {
  const { loadBalancer, conditions } = status ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(metadata),
    ...(spec && { spec: specOf(spec) }),
    status: { ...(loadBalancer && { loadBalancer }), ...(conditions && { conditions }) },
  };
}

export function trimNamespace({ metadata }: Namespace): Namespace {
  const { name, resourceVersion, uid, labels } = metadata;
  return {
    metadata: { name, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }), ...(labels && { labels }) },
  };
}

function metadataOf(metadata: Service['metadata']): Service['metadata'] {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const { labels, annotations, finalizers } = metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => key !== LAST_APPLIED);
  return {
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(creationTimestamp && { creationTimestamp }),
    ...(deletionTimestamp && { deletionTimestamp }),
    ...(labels && { labels }),
    ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    ...(finalizers && { finalizers }),
  };
}

type Spec = NonNullable<Service['spec']>;

function specOf(spec: Spec): Spec {
  const { type, loadBalancerClass, loadBalancerIP, clusterIPs, clusterIP, ipFamilyPolicy } = spec;
  const { externalTrafficPolicy, selector, ports } = spec;
  return {
    ...(type && { type }),
    ...(loadBalancerClass && { loadBalancerClass }),
    ...(loadBalancerIP && { loadBalancerIP }),
    // The list says the same where there is one.
    ...(clusterIPs?.length ? { clusterIPs } : clusterIP && { clusterIP }),
    ...(ipFamilyPolicy && { ipFamilyPolicy }),
    ...(externalTrafficPolicy && { externalTrafficPolicy }),
    ...(selector && { selector }),
    ...(ports && { ports: ports.map(({ port, protocol }) => ({ port, ...(protocol && { protocol }) })) }),
  };
}
