// SPDX-License-Identifier: Apache-2.0
/** What a command line asks for, as a value: the parser makes it, `run` carries it out. */

import type { IpAddress } from '@berth/core';

/** How to reach the cluster and which installation of Berth is meant. */
export interface ClusterOptions {
  /** Path of a kubeconfig; undefined: as kubectl finds it. */
  readonly kubeconfig: string | undefined;
  /** Namespace of Berth. */
  readonly berthNamespace: string;
  /** Class of the Services that this installation serves. */
  readonly loadBalancerClass: string;
}

/** A Service as it was named; without a namespace that of the kubeconfig's context counts. */
export interface ServiceName {
  readonly namespace: string | undefined;
  readonly name: string;
}

export type Output = 'text' | 'json';

/** How long to wait for the outcome, in seconds; 0: not at all. */
interface Patient {
  readonly timeoutSeconds: number;
}

/** Operations on nodes and on who answers for which VIP. */
export type NodeOperation =
  | { readonly kind: 'status'; readonly output: Output; readonly cluster: ClusterOptions }
  | ({
      readonly kind: 'move';
      readonly vip: IpAddress;
      readonly node: string;
      readonly cluster: ClusterOptions;
    } & Patient)
  | ({
      readonly kind: 'drain';
      readonly node: string;
      readonly isForced: boolean;
      readonly cluster: ClusterOptions;
    } & Patient)
  | ({ readonly kind: 'undrain'; readonly node: string; readonly cluster: ClusterOptions } & Patient)
  | ({ readonly kind: 'rebalance'; readonly cluster: ClusterOptions } & Patient)
  | ({
      readonly kind: 'check';
      /** Undefined: all. */
      readonly vip: IpAddress | undefined;
      readonly output: Output;
      readonly cluster: ClusterOptions;
    } & Patient)
  | ({ readonly kind: 'rotate-key'; readonly isForced: boolean; readonly cluster: ClusterOptions } & Patient);

export type Operation =
  | NodeOperation
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'usage error'; readonly text: string }
  | { readonly kind: 'lint'; readonly files: readonly string[]; readonly output: Output }
  | { readonly kind: 'preview'; readonly file: string; readonly output: Output; readonly cluster: ClusterOptions }
  | { readonly kind: 'explain'; readonly service: ServiceName; readonly cluster: ClusterOptions }
  | { readonly kind: 'pools'; readonly output: Output; readonly cluster: ClusterOptions }
  | { readonly kind: 'pool release'; readonly address: IpAddress; readonly cluster: ClusterOptions }
  | { readonly kind: 'uninstall'; readonly isDryRun: boolean; readonly cluster: ClusterOptions }
  | {
      readonly kind: 'renumber';
      readonly service: ServiceName;
      /** Seconds to wait for the new address; 0: not at all. */
      readonly timeoutSeconds: number;
      readonly cluster: ClusterOptions;
    };
