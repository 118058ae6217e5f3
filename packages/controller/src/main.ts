// SPDX-License-Identifier: Apache-2.0
/** The controller's process: puts the parts together, starts them in order and stops them in reverse. */
import { HttpServer, openLog, Shutdown } from '@berth/daemon';
import { findAccess, KubeClient } from '@berth/kube';
import { type ControllerConfig, readConfig } from './config.ts';
import { Controller } from './controller.ts';

const read = readConfig(process.argv.slice(2), process.env);
if (read.ok) await run(read.config);
else {
  for (const problem of read.problems) console.error(`controller: ${problem}`);
  process.exitCode = 2;
}

async function run(config: ControllerConfig): Promise<void> {
  const log = openLog(config.logLevel);
  const api = new KubeClient({ access: await findAccess(config.kubeconfig), userAgent: 'berth-controller' });
  const { namespace, identity, loadBalancerClass, leaseSeconds } = config;
  const finalizer = config.finalizer === 'add';
  const controller = new Controller({ api, log, namespace, identity, loadBalancerClass, leaseSeconds, finalizer });
  const server = new HttpServer({
    ...config.metricsAddress,
    isReady: () => controller.isReady,
    metrics: () => controller.metrics.text(),
    metricsType: controller.metrics.contentType,
  });
  new Shutdown(log, [server, controller]).install();
  await server.start();
  controller.start();
  await controller.ready;
  log.info('controller is ready', { identity });
}
