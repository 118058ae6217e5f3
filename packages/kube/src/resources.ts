// SPDX-License-Identifier: Apache-2.0

/** The kinds that Berth reads or writes, each with its place in the API. */

import type {
  ConfigMap,
  Deployment,
  EndpointSlice,
  EventObject,
  KubeObject,
  Lease,
  MetallbConfig,
  Namespace,
  Node,
  ObjectName,
  Pod,
  Secret,
  Service,
  ServiceCidr,
  SubjectAccessReview,
  TokenReview,
} from './object.ts';

/** A kind of object and where the API serves it. `T` is the shape of its objects. */
export interface Resource<T extends KubeObject> {
  /** `v1`, or `group/version`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** Name in the URL, e.g. `services`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never present: it only ties the type of the objects to the descriptor. */
  readonly shape?: T;
}

function resource<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  options: { plural: string; clusterWide?: true },
): Resource<T> {
  return { apiVersion, kind, plural: options.plural, namespaced: !options.clusterWide };
}

export const services: Resource<Service> = resource('v1', 'Service', { plural: 'services' });
export const configMaps: Resource<ConfigMap> = resource('v1', 'ConfigMap', { plural: 'configmaps' });
export const secrets: Resource<Secret> = resource('v1', 'Secret', { plural: 'secrets' });
export const pods: Resource<Pod> = resource('v1', 'Pod', { plural: 'pods' });
export const nodes: Resource<Node> = resource('v1', 'Node', { plural: 'nodes', clusterWide: true });
export const namespaces: Resource<Namespace> = resource('v1', 'Namespace', { plural: 'namespaces', clusterWide: true });
export const endpointSlices: Resource<EndpointSlice> = resource('discovery.k8s.io/v1', 'EndpointSlice', {
  plural: 'endpointslices',
});
export const events: Resource<EventObject> = resource('v1', 'Event', { plural: 'events' });
/** Ranges of Services; Kubernetes 1.33 and later. */
export const serviceCidrs: Resource<ServiceCidr> = resource('networking.k8s.io/v1', 'ServiceCIDR', {
  plural: 'servicecidrs',
  clusterWide: true,
});
export const deployments: Resource<Deployment> = resource('apps/v1', 'Deployment', { plural: 'deployments' });
/** Pools of MetalLB, where its CRDs are. */
export const metallbPools: Resource<MetallbConfig> = resource('metallb.io/v1beta1', 'IPAddressPool', {
  plural: 'ipaddresspools',
});
/** Policies of MetalLB, where its CRDs are. */
export const metallbAdvertisements: Resource<MetallbConfig> = resource('metallb.io/v1beta1', 'L2Advertisement', {
  plural: 'l2advertisements',
});
export const tokenReviews: Resource<TokenReview> = resource('authentication.k8s.io/v1', 'TokenReview', {
  plural: 'tokenreviews',
  clusterWide: true,
});
export const subjectAccessReviews: Resource<SubjectAccessReview> = resource(
  'authorization.k8s.io/v1',
  'SubjectAccessReview',
  { plural: 'subjectaccessreviews', clusterWide: true },
);
export const leases: Resource<Lease> = resource('coordination.k8s.io/v1', 'Lease', { plural: 'leases' });

/** Returns the URL path of a collection, or of one object when `at.name` is given, or of its sub-resource. */
export function pathOf(kind: Resource<KubeObject>, at: Partial<ObjectName>, subresource?: string): string {
  const root = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  const parts = [root];
  if (kind.namespaced && at.namespace) parts.push('namespaces', encodeURIComponent(at.namespace));
  parts.push(kind.plural);
  if (at.name) parts.push(encodeURIComponent(at.name));
  if (subresource) parts.push(subresource);
  return parts.join('/');
}
