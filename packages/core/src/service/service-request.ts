// SPDX-License-Identifier: Apache-2.0
/** What a Service asks for, read from its spec and annotations once; decisions see nothing else of it. */
import type { Labels } from '../config/label-selector.ts';
import type { IpAddress, IpFamily } from '../net/ip-address.ts';
import type { KubeService, ServiceKey } from './kube-service.ts';

export type IpFamilyPolicy = 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';

/** What decides whether two Services may hold one address. */
export interface SharingTerms {
  /** Empty: never shares. */
  readonly key: string;
  /** `TCP/80`, sorted. */
  readonly ports: readonly string[];
  /** undefined with externalTrafficPolicy Cluster; with Local the pod selector as sorted text, empty when there is none. */
  readonly localSelector: string | undefined;
}

export interface ServiceRequest {
  readonly service: ServiceKey;
  readonly namespace: string;
  readonly labels: Labels;
  /** RFC 3339, empty when unknown. Older Services come first where two want the same. */
  readonly creationTimestamp: string;
  /** One or two families, in the order of the cluster IPs. */
  readonly families: readonly IpFamily[];
  readonly familyPolicy: IpFamilyPolicy;
  readonly sharing: SharingTerms;
  /** At most one per family; empty: any. */
  readonly wantedAddresses: readonly IpAddress[];
  readonly wantedPool: string | undefined;
  /** Addresses that the Service is to leave (annotation `berth.dev/renumber`). */
  readonly leaving: readonly IpAddress[];
  /** What status.loadBalancer shows now, whoever wrote it; entries that are not addresses are left out. */
  readonly shownAddresses: readonly IpAddress[];
  /** Why the wishes above cannot be followed: the annotations or the field contradict themselves or cannot be read. */
  readonly refusal: RequestRefusal | undefined;
}

export interface RequestRefusal {
  readonly reason: 'InvalidRequest';
  readonly message: string;
}

/**
 * Reads what a Service of ours asks for. Gives undefined as long as its cluster IP is not set: then there is nothing to do
 * and nothing to warn about. Never throws; what cannot be read becomes {@link ServiceRequest.refusal}.
 */
export function readServiceRequest(_service: KubeService): ServiceRequest | undefined {
  throw new Error('core: readServiceRequest: to follow');
}
