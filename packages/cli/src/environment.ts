// SPDX-License-Identifier: Apache-2.0
/** What commands see of the world; main.ts makes the real one, tests make others. */
import type { Clock, KubeApi } from '@berth/kube';
import type { ClusterOptions } from './operation.ts';

/** An API server, and the namespace that counts where none is named. */
export interface Connection {
  readonly api: KubeApi;
  readonly namespace: string;
}

export interface Environment {
  /** Results. */
  readonly out: (text: string) => void;
  /** Messages. */
  readonly err: (text: string) => void;
  /** Text of a file; `-` is the standard input. */
  readonly readFile: (name: string) => Promise<string>;
  readonly connect: (options: ClusterOptions) => Promise<Connection>;
  readonly clock: Clock;
}

/** Exit codes. */
export const EXIT = {
  ok: 0,
  /** What was asked is not so, or could not be done. */
  failed: 1,
  usage: 2,
} as const;

/** A message for people without a stack; the command ends with exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
