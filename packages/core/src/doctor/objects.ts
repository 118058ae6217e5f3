// SPDX-License-Identifier: Apache-2.0
/** What else runs in a cluster, as objects of the API server, and only the parts of them that are looked at. */
import type { KubeConfigMap, KubeMeta } from '../report/objects.ts';

interface KubeEnv {
  readonly name: string;
  readonly value?: string;
}

export interface KubePort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort?: number;
  /** Default: TCP. */
  readonly protocol?: string;
}

export interface KubeContainer {
  readonly name?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly KubeEnv[];
  readonly ports?: readonly KubePort[];
}

export interface KubePodSpec {
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly containers?: readonly KubeContainer[];
}

export interface KubePod {
  readonly metadata: KubeMeta;
  readonly spec?: KubePodSpec;
  readonly status?: { readonly phase?: string };
}

/** A DaemonSet or a Deployment. */
export interface KubeWorkload {
  readonly metadata: KubeMeta & { readonly generation?: number };
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: { readonly spec?: KubePodSpec };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly replicas?: number;
    readonly readyReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
  };
}

/** An object of a kind that another product defines. */
export interface KubeForeign {
  readonly metadata: KubeMeta;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A Service with what the API server keeps about its writers. */
export interface KubeWritten {
  readonly metadata: KubeMeta & { readonly managedFields?: readonly KubeManagedFields[] };
}

export interface KubeManagedFields {
  readonly manager?: string;
  /** RFC 3339, whole seconds. */
  readonly time?: string;
  readonly fieldsV1?: object;
}

/** All that is looked at beside Berth's own objects. Nothing of it is changed. */
export interface DoctorObjects {
  /** Of all namespaces. */
  readonly daemonSets: readonly KubeWorkload[];
  readonly deployments: readonly KubeWorkload[];
  readonly pods: readonly KubePod[];
  /** Of the namespace kube-system. */
  readonly systemMaps: readonly KubeConfigMap[];
  readonly ciliumPools: readonly KubeForeign[];
  readonly felixConfigurations: readonly KubeForeign[];
  readonly bgpConfigurations: readonly KubeForeign[];
  /** Of all namespaces. */
  readonly written: readonly KubeWritten[];
  /** What could not be read, in words: `pods`. */
  readonly unread: readonly string[];
}
