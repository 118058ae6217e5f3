// SPDX-License-Identifier: Apache-2.0
/** The controller's process: puts the parts together, starts them in order and stops them in reverse. */

import { findAccess, KubeClient, TokenGate } from '@berth/kube';
import { errorFields, observationServer, openLog, Shutdown, systemClock } from '@berth/runtime';
import { type ControllerConfig, readConfig } from './config.ts';
import { Controller } from './controller.ts';

/** Room for slow calls beside those that go through, the ledger, the Lease and lists. Idle ones are closed. */
const MAX_CONNECTIONS = 64;

const read = readConfig(process.argv.slice(2), process.env);
if (read.ok) await run(read.config);
else {
  for (const problem of read.problems) console.error(`controller: ${problem}`);
  process.exitCode = 2;
}

async function run(config: ControllerConfig): Promise<void> {
  const log = openLog(config.logLevel, { format: config.logFormat });
  const clock = systemClock;
  const api = new KubeClient({
    access: await findAccess(clock, { kubeconfig: config.kubeconfig }),
    clock,
    userAgent: 'berth-controller',
    maxConnections: MAX_CONNECTIONS,
    onCall: (call) => controller.metrics.apiCalled(call),
  });
  const { namespace, identity, loadBalancerClass, metallbNamespace, leaseSeconds } = config;
  const finalizer = config.finalizer === 'add';
  const controller = new Controller({
    api,
    clock,
    log,
    namespace,
    identity,
    loadBalancerClass,
    metallbNamespace,
    leaseSeconds,
    finalizer,
  });
  const gate = new TokenGate({
    ...{ api, clock, path: '/metrics', verb: 'get' },
    onUnheard: (error) => log.warn('tokens for the metrics cannot be looked at', errorFields(error)),
  });
  const server = observationServer({
    ...{ config, clock, log, name: 'berth-controller' },
    admit: (token) => gate.admit(token),
    whyNotReady: () => (controller.isReady ? undefined : 'starting'),
    metrics: (accept) => controller.metrics.page(accept),
  });
  new Shutdown(log, [server, controller]).install();
  await server.start();
  controller.start();
  await controller.ready;
  log.info('controller is ready', { identity });
}
