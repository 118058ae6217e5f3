// SPDX-License-Identifier: Apache-2.0

// A controller alone in its process, which tells for how long its event loop stood still. Arguments: URL of an API
// server that asks for no credentials, and namespace of Berth. Each message asks for the longest turn since the one
// before, and is answered by it, in milliseconds.

import { Controller } from '@berth/controller';
import { KubeClient } from '@berth/kube';
import { systemClock } from '@berth/runtime';

const NOTHING = () => {};

const [server = '', namespace = ''] = process.argv.slice(2);
const controller = new Controller({
  clock: systemClock,
  api: new KubeClient({
    access: { server, namespace, credentials: async () => ({ headers: {}, tls: {} }), invalidate: NOTHING },
    clock: systemClock,
    maxConnections: 64,
  }),
  log: { error: NOTHING, warn: NOTHING, info: NOTHING, debug: NOTHING },
  namespace,
  identity: 'bench',
  loadBalancerClass: 'berth.dev/l2',
  finalizer: true,
});

/**
 * Most processor time of the main thread in one turn of the event loop, in milliseconds: what it is blocked for, less
 * what other programs take of a busy machine.
 */
let longestMs = 0;
let lastMs = mainThreadMs();

function turn(): void {
  const nowMs = mainThreadMs();
  longestMs = Math.max(longestMs, nowMs - lastMs);
  lastMs = nowMs;
  setImmediate(turn);
}

function mainThreadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

process.on('message', () => {
  process.send?.(longestMs);
  longestMs = 0;
});
process.on('disconnect', () => process.exit());
setImmediate(turn);
controller.start();
