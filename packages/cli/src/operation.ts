// SPDX-License-Identifier: Apache-2.0
/** What a command line asks for, as a value: the parser makes it, `run` carries it out. */

import type { IpAddress } from '@berth/core';
import type { AccessChoice } from '@berth/kube';
import type { Shell } from './completion/scripts.ts';

/** How to reach the cluster and which installation of Berth is meant. */
export interface ClusterOptions {
  /** Which cluster, and as whom. */
  readonly access: AccessChoice;
  /** Milliseconds for one request; undefined: the client's own. */
  readonly requestTimeoutMs: number | undefined;
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

/** How to print. `wide`: tables with all they have, however wide the terminal is. */
export type Output = 'text' | 'wide' | 'json' | 'yaml';

/** Of what changes something. */
interface Revocable {
  /** Whether it only says what it would do. */
  readonly isDryRun: boolean;
}

/** Of what can be looked at while it changes. */
interface Watchable {
  /** Whether changes are shown until it is interrupted. */
  readonly isWatching: boolean;
}

/** How long to wait for the outcome, in seconds; 0: not at all. */
interface Patient {
  readonly timeoutSeconds: number;
}

/** Operations on nodes and on who answers for which VIP. */
export type NodeOperation =
  | ({ readonly kind: 'status'; readonly output: Output; readonly cluster: ClusterOptions } & Watchable)
  | ({
      readonly kind: 'move';
      readonly vip: IpAddress;
      readonly node: string;
      readonly cluster: ClusterOptions;
    } & Patient &
      Revocable)
  | ({
      readonly kind: 'drain';
      readonly node: string;
      readonly isForced: boolean;
      /** Also until the last connection of the node has ended. */
      readonly isPatient: boolean;
      readonly cluster: ClusterOptions;
    } & Patient &
      Revocable)
  | ({ readonly kind: 'undrain'; readonly node: string; readonly cluster: ClusterOptions } & Patient & Revocable)
  | ({ readonly kind: 'rebalance'; readonly cluster: ClusterOptions } & Patient & Revocable)
  | ({
      readonly kind: 'check';
      /** Undefined: all. */
      readonly vip: IpAddress | undefined;
      readonly output: Output;
      readonly cluster: ClusterOptions;
    } & Patient)
  | ({ readonly kind: 'rotate-key'; readonly isForced: boolean; readonly cluster: ClusterOptions } & Patient &
      Revocable);

export type Operation =
  | NodeOperation
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'usage error'; readonly text: string }
  | {
      readonly kind: 'version';
      /** Without a cluster. */
      readonly isClientOnly: boolean;
      readonly output: Output;
      readonly cluster: ClusterOptions;
    }
  | {
      readonly kind: 'bundle';
      /** Where the archive goes; `-` is the standard output, undefined a name with the time in it. */
      readonly file: string | undefined;
      /** Last lines of each log; 0: no logs. */
      readonly logLines: number;
      readonly cluster: ClusterOptions;
    }
  | { readonly kind: 'completion'; readonly shell: Shell }
  /** What a completion script asks; `words` up to the cursor. */
  | { readonly kind: 'complete'; readonly words: readonly string[] }
  | { readonly kind: 'lint'; readonly files: readonly string[]; readonly output: Output }
  | { readonly kind: 'preview'; readonly file: string; readonly output: Output; readonly cluster: ClusterOptions }
  | {
      readonly kind: 'migrate metallb';
      readonly action: 'plan' | 'apply' | 'roll back';
      /** Files with MetalLB's objects; none: those of the cluster. */
      readonly files: readonly string[];
      readonly output: Output;
      /** For each step that waits. */
      readonly timeoutSeconds: number;
      readonly cluster: ClusterOptions;
    }
  | {
      readonly kind: 'doctor';
      /** Pools to judge instead of those in force; undefined: those in force. */
      readonly file: string | undefined;
      readonly output: Output;
      readonly cluster: ClusterOptions;
    }
  | {
      readonly kind: 'explain';
      readonly service: ServiceName;
      readonly output: Output;
      readonly cluster: ClusterOptions;
    }
  | ({ readonly kind: 'vips'; readonly output: Output; readonly cluster: ClusterOptions } & Watchable)
  | {
      readonly kind: 'history';
      /** An address, a Service or a node; undefined: all. */
      readonly about: string | undefined;
      /** Of a Service that is named without one; undefined: that of the context. */
      readonly namespace: string | undefined;
      /** Only what happened in so many milliseconds; undefined: all. */
      readonly sinceMs: number | undefined;
      readonly output: Output;
      readonly cluster: ClusterOptions;
    }
  | {
      readonly kind: 'dashboard';
      /** Port of 127.0.0.1; 0: a free one. */
      readonly port: number;
      /** Whether a browser is asked to open the page. */
      readonly opens: boolean;
      readonly cluster: ClusterOptions;
    }
  | ({ readonly kind: 'pools'; readonly output: Output; readonly cluster: ClusterOptions } & Watchable)
  | ({ readonly kind: 'pool release'; readonly address: IpAddress; readonly cluster: ClusterOptions } & Revocable)
  | ({ readonly kind: 'uninstall'; readonly cluster: ClusterOptions } & Revocable)
  | ({
      readonly kind: 'adopt';
      readonly service: ServiceName;
      /** With other addresses instead of those that it shows. */
      readonly isRenumbering: boolean;
      readonly cluster: ClusterOptions;
    } & Patient &
      Revocable)
  | ({ readonly kind: 'renumber'; readonly service: ServiceName; readonly cluster: ClusterOptions } & Patient &
      Revocable);
