// SPDX-License-Identifier: Apache-2.0

// A controller that a rig has started, with what a test can look at and set.

import type { Controller, Log } from '@berth/controller';
import type { KubeClient } from '@berth/kube';
import { type Clock, systemClock, type Timer } from '@berth/runtime';
import type { ObservedApi } from './observed-api.ts';

export interface StartOptions {
  readonly identity?: string;
  /** A name of its own makes a controller that leads whatever the others do. */
  readonly leaseName?: string;
  readonly loadBalancerClass?: string;
  readonly finalizer?: boolean;
  /** Namespace of the objects of MetalLB. @default they are not read */
  readonly metallbNamespace?: string;
  readonly leaseSeconds?: number;
}

export interface Running {
  readonly controller: Controller;
  readonly observed: ObservedApi;
  readonly log: string[];
  readonly clock: ShiftedClock;
  readonly client: KubeClient;
  isStopped: boolean;
}

/** The machine's clock with a wall clock that a test can set. */
export class ShiftedClock implements Clock {
  shiftMs = 0;
  now(): number {
    return systemClock.now();
  }
  date(): Date {
    return new Date(systemClock.date().getTime() + this.shiftMs);
  }
  after(delayMs: number, callback: () => void): Timer {
    return systemClock.after(delayMs, callback);
  }
}

/** A log that is kept, one line a message. */
export function collecting(lines: string[]): Log {
  const at = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    lines.push(`${level} ${message} ${fields ? JSON.stringify(fields) : ''}`);
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
