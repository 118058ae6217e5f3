// SPDX-License-Identifier: Apache-2.0

// The lab that benchmarks of the whole product run on: Berth installed, and where wanted a pool and three web pods.

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { KubeClient, kubeconfigAccess } from '@berth/kube';
import { systemClock } from '@berth/runtime';
import { installBerth } from '../test/lab/berth.ts';
import { Lab } from '../test/lab/lab.ts';
import { applyObjects, BERTH_NAMESPACE, deployWeb, poolsConfigMap } from '../test/support/workload.ts';
import { CREATES_AT_ONCE } from './many-services.ts';

/**
 * Benchmarks that run at the same time need labs of different names. BERTH_KEEP_LAB=1 leaves the lab for the next run.
 */
const NAME = process.env.BERTH_BENCH_LAB ?? 'bench';

export interface BenchLab {
  lab: Lab;
  client: KubeClient;
}

export interface BenchLabOptions {
  /** Entries of the pool that is configured; without it there is none, and no web pods either. */
  pools?: (lab: Lab) => readonly string[];
  /**
   * `stopped`: where thousands of Services without pods are made, the four kube-proxies, each with every Service of the
   * cluster, would take most of the two cores, for rules that no one measures. Default: running.
   */
  kubeProxy?: 'running' | 'stopped';
  /**
   * `absent`: where the controller alone is measured. On a cluster each speaker has a machine of its own; here three of
   * them share its cores. Default: running.
   */
  speakers?: 'running' | 'absent';
  progress(line: string): void;
}

/** Brings the lab up, runs `measure` on it and takes it down again, whatever happens. */
export async function onBenchLab<T>(options: BenchLabOptions, measure: (bench: BenchLab) => Promise<T>): Promise<T> {
  options.progress('bringing up the lab with Berth');
  const lab = await Lab.up({ name: NAME, nodes: 3 });
  try {
    await installBerth(lab);
    await weighPods();
    if (options.kubeProxy === 'stopped')
      for (const host of lab.hosts) if (host !== 'client') await lab.freeze(host, 'kube-proxy');
    if (options.speakers === 'absent') await removeSpeakers(lab);
    if (options.pools !== undefined) {
      await applyObjects(lab, poolsConfigMap(options.pools(lab)));
      await deployWeb(lab, 3);
    }
    const access = await kubeconfigAccess(systemClock, lab.kubeconfig);
    const client = new KubeClient({
      clock: systemClock,
      access,
      userAgent: 'berth-bench',
      maxConnections: CREATES_AT_ONCE,
    });
    return await measure({ lab, client });
  } finally {
    if (process.env.BERTH_KEEP_LAB === undefined) await Lab.down(NAME);
  }
}

/** Leaves the DaemonSet without a node that fits, and waits until its pods are gone. */
async function removeSpeakers(lab: Lab): Promise<void> {
  const namespace = ['--namespace', BERTH_NAMESPACE];
  const patch = { spec: { template: { spec: { nodeSelector: { 'example.com/speaker': 'nowhere' } } } } };
  await lab.kubectl(['patch', ...namespace, 'daemonset/speaker', '--patch', JSON.stringify(patch)]);
  const pods = ['pods', '--selector', 'app.kubernetes.io/component=speaker'];
  await lab.kubectl(['wait', ...namespace, ...pods, '--for=delete', '--timeout=60s']);
}

/** The cgroup of all pods of all labs, with cgroup v1. */
const PODS_WEIGHT = '/sys/fs/cgroup/cpu/k8s.io/cpu.shares';

/**
 * Gives pods the share of the processor that a real node gives them, where their cgroup has the weight of all cores
 * beside that of the system's services. Here each thread of API server, kubelets and benchmark weighs as much as all
 * pods together, so on a busy machine the controller would starve as it does nowhere else. Left alone with cgroup v2.
 */
async function weighPods(): Promise<void> {
  if (existsSync(PODS_WEIGHT)) await writeFile(PODS_WEIGHT, String(cpus().length * 10 * 1024));
}
