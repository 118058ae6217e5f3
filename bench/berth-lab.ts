// SPDX-License-Identifier: Apache-2.0

// The lab that benchmarks of the whole product run on: Berth installed, three web pods ready, a pool configured.

import { KubeClient, kubeconfigAccess } from '@berth/kube';
import { installBerth } from '../test/lab/berth.ts';
import { Lab } from '../test/lab/lab.ts';
import { applyObjects, deployWeb, poolsConfigMap } from '../test/support/workload.ts';

const NAME = 'bench';

export interface BenchLab {
  lab: Lab;
  client: KubeClient;
}

/** Brings the lab up, runs `measure` on it and takes it down again, whatever happens. */
export async function onBenchLab<T>(
  options: { pools: (lab: Lab) => readonly string[]; progress(line: string): void },
  measure: (bench: BenchLab) => Promise<T>,
): Promise<T> {
  options.progress('bringing up the lab with Berth');
  const lab = await Lab.up({ name: NAME, nodes: 3 });
  try {
    await installBerth(lab);
    await applyObjects(lab, poolsConfigMap(options.pools(lab)));
    await deployWeb(lab, 3);
    const client = new KubeClient({ access: await kubeconfigAccess(lab.kubeconfig), userAgent: 'berth-bench' });
    return await measure({ lab, client });
  } finally {
    await Lab.down(NAME);
  }
}
