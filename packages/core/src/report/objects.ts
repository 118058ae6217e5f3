// SPDX-License-Identifier: Apache-2.0
/** What a report is made from: objects as the API server gives them, and only the parts of them that are looked at. */
import type { KubeNodeAddresses } from '../ipam/occupants-of.ts';
import type { NodeFacts } from '../placement/eligibility.ts';
import type { EndpointSliceFacts } from '../placement/usable-endpoint.ts';
import type { KubeService } from '../service/kube-service.ts';

/** metadata of an object in a namespace. */
export interface KubeMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface KubeLease {
  readonly metadata: KubeMeta;
  readonly spec?: {
    readonly holderIdentity?: string;
    /** RFC 3339. */
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
  };
}

export interface KubeConfigMap {
  readonly metadata: KubeMeta;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface KubeNamespace {
  readonly metadata: Pick<KubeMeta, 'name' | 'labels'>;
}

export interface KubeEndpointSlice extends EndpointSliceFacts {
  readonly metadata: KubeMeta;
}

export type KubeNode = NodeFacts &
  KubeNodeAddresses & {
    readonly metadata: { readonly name: string };
    readonly status?: { readonly nodeInfo?: KubeNodeInfo };
  };

/** What a kubelet says of its machine. */
export interface KubeNodeInfo {
  readonly kernelVersion?: string;
  readonly kubeletVersion?: string;
  readonly operatingSystem?: string;
}

/** All that is read of a cluster, of one moment. Nothing of it is changed. */
export interface ClusterObjects {
  /** Milliseconds since 1970, by the clock of whoever read them. */
  readonly nowMs: number;
  readonly berthNamespace: string;
  /** Class of the Services that this installation serves. */
  readonly loadBalancerClass: string;
  /** Of all namespaces. */
  readonly services: readonly KubeService[];
  readonly nodes: readonly KubeNode[];
  readonly namespaces: readonly KubeNamespace[];
  /** Of Berth's namespace. */
  readonly leases: readonly KubeLease[];
  readonly configMaps: readonly KubeConfigMap[];
  /** Of all namespaces. */
  readonly endpointSlices: readonly KubeEndpointSlice[];
  /** Ranges of cluster IPs. */
  readonly serviceCidrs: readonly string[];
}
