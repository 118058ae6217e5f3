// SPDX-License-Identifier: Apache-2.0
/** What commands see of the world; main.ts makes the real one, tests make others. */
import type { KubeApi, ObjectName } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import type { ClusterOptions } from './operation.ts';
import type { Tone } from './tone.ts';

/** An API server, and the namespace that counts where none is named. */
export interface Connection {
  readonly api: KubeApi;
  readonly namespace: string;
  /** Address of the API server, for people. */
  readonly server?: string;
  /** The log of a container. Absent: there are no logs. */
  readonly logs?: (pod: ObjectName, options: LogOptions) => Promise<string>;
}

export interface LogOptions {
  readonly container: string;
  /** Of the container before it was started anew. */
  readonly isPrevious: boolean;
  readonly tailLines: number;
}

/** What only a person's own terminal has. */
export interface Terminal {
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Asks a browser to open an address; whether there was one to ask. */
  open(address: string): Promise<boolean>;
  /** Characters of a line of the standard output; undefined: it is no terminal. */
  readonly columns?: number | undefined;
}

export interface Environment {
  /** Results; the tone is how they look on a terminal. */
  readonly out: (text: string, tone?: Tone) => void;
  /** Messages. */
  readonly err: (text: string, tone?: Tone) => void;
  /** Text of a file; `-` is the standard input. */
  readonly readFile: (name: string) => Promise<string>;
  /** Files in a folder and below, by name; undefined where it is no folder. Absent: there are no folders. */
  readonly listFolder?: (name: string) => Promise<readonly string[] | undefined>;
  /** Makes a file that only its owner reads; `-` is the standard output. Absent: there is nowhere to write to. */
  readonly writeFile?: (name: string, data: Uint8Array) => Promise<void>;
  readonly connect: (options: ClusterOptions) => Promise<Connection>;
  readonly clock: Clock;
  /** Undefined: no one can interrupt, and there is no browser. */
  readonly terminal?: Terminal;
}

/** Exit codes. */
export const EXIT = {
  ok: 0,
  /** What was asked is not so, or could not be done. */
  failed: 1,
  usage: 2,
  /** Of `status` and `doctor`: no one answers for anything. */
  noSpeaker: 3,
  /** Of `preview`: Services would be stranded. */
  stranded: 4,
} as const;

/** A message for people without a stack; the command ends with exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
