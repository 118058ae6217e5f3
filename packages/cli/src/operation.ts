// SPDX-License-Identifier: Apache-2.0
/** What a command line asks for, as a value: the parser makes it, `run` carries it out. */

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

export type Operation =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'usage error'; readonly text: string }
  | { readonly kind: 'lint'; readonly files: readonly string[]; readonly output: Output }
  | { readonly kind: 'preview'; readonly file: string; readonly output: Output; readonly cluster: ClusterOptions }
  | { readonly kind: 'explain'; readonly service: ServiceName; readonly cluster: ClusterOptions }
  | { readonly kind: 'pools'; readonly output: Output; readonly cluster: ClusterOptions }
  | { readonly kind: 'uninstall'; readonly isDryRun: boolean; readonly cluster: ClusterOptions }
  | {
      readonly kind: 'renumber';
      readonly service: ServiceName;
      /** Seconds to wait for the new address; 0: not at all. */
      readonly timeoutSeconds: number;
      readonly cluster: ClusterOptions;
    };
