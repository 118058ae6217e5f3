// SPDX-License-Identifier: Apache-2.0

/**
 * Kubernetes objects as plain, read-only JSON. The shapes come from client-node's models as types only; time stamps
 * are the strings that the API server sent, never `Date`. Objects from a store are shared and must not be changed.
 */

import type {
  CoreV1Event,
  V1ConfigMap,
  V1EndpointSlice,
  V1Lease,
  V1Namespace,
  V1Node,
  V1Pod,
  V1Secret,
  V1Service,
  V1ServiceStatus,
  V1SubjectAccessReview,
  V1TokenReview,
} from '@kubernetes/client-node';

/** A model type as it looks on the wire: `Date` becomes text, everything is read-only. */
export type Json<T> = T extends Date ? string : T extends object ? { readonly [K in keyof T]: Json<T[K]> } : T;

/** metadata of an object that came from the API server. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  /** RFC 3339; set while the object waits for its finalizers. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  /** Who wrote which fields; left out of most stores. */
  readonly managedFields?: readonly ManagedFields[];
}

/** One entry of metadata.managedFields. */
export interface ManagedFields {
  readonly manager?: string;
  /** RFC 3339, whole seconds. */
  readonly time?: string;
  readonly subresource?: string;
  readonly fieldsV1?: object;
}

/** The least that every object has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** A client-node model as plain JSON with metadata that is always there. */
export type Plain<T> = Omit<Json<T>, 'metadata'> & { readonly metadata: ObjectMeta };

export type ConfigMap = Plain<V1ConfigMap>;
/** core/v1 Event; named so because `Event` is the DOM's. */
export type EventObject = Plain<CoreV1Event>;
export type EndpointSlice = Plain<V1EndpointSlice>;
export type Lease = Plain<V1Lease>;
export type Namespace = Plain<V1Namespace>;
export type Node = Plain<V1Node>;
export type Pod = Plain<V1Pod>;
export type Secret = Plain<V1Secret>;
export type ServiceCidr = KubeObject & { readonly spec?: { readonly cidrs?: readonly string[] } };
/** An object of MetalLB; what is in it is judged by `@berth/core`. */
export type MetallbConfig = KubeObject & { readonly spec?: unknown };
/** authentication.k8s.io/v1: whose token it is. */
export type TokenReview = KubeObject &
  Pick<Json<V1TokenReview>, 'spec'> & { readonly status?: Json<V1TokenReview>['status'] };
/** authorization.k8s.io/v1: whether somebody may do something. */
export type SubjectAccessReview = KubeObject &
  Pick<Json<V1SubjectAccessReview>, 'spec'> & { readonly status?: Json<V1SubjectAccessReview>['status'] };
/** An apps/v1 Deployment, as far as it is looked at. */
export type Deployment = KubeObject & { readonly spec?: { readonly replicas?: number } };
export type Service = Omit<Plain<V1Service>, 'status'> & {
  readonly status?: Omit<Json<V1ServiceStatus>, 'conditions'> & { readonly conditions?: readonly Condition[] };
};

/** metav1.Condition. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** Place of one object: namespace (absent for cluster-wide kinds) and name. */
export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

/** Keys of the objects that stores keep. */
const keptKeys = new WeakMap<ObjectName, string>();

/**
 * Returns the key of an object: `namespace/name`, or `name` for a cluster-wide kind. For an object of a store it is
 * always the same text in memory: indexes of thousands of Services hold each key many times.
 */
export function keyOf({ metadata }: { readonly metadata: ObjectName }): string {
  const { namespace, name } = metadata;
  return keptKeys.get(metadata) ?? (namespace ? `${namespace}/${name}` : name);
}

/** From now on {@link keyOf} returns this very text for the object. */
export function keepKey({ metadata }: { readonly metadata: ObjectName }, key: string): void {
  keptKeys.set(metadata, key);
}
