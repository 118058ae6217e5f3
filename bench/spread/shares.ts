// SPDX-License-Identifier: Apache-2.0

// How evenly the nodes share many connections, and whom the pods see (policy Local, a pod on each node).

import { hostNamed } from '../../test/lab/address-plan.ts';
import { waitUntil } from '../../test/lab/wait.ts';
import { SERVE_ANNOTATION, servedByAll, servedBy as servedByText, webPods } from '../../test/support/serving.ts';
import { figure } from '../report.ts';
import { fullest, servedBy, strangersIn } from './counts.ts';
import { serveEverywhere, startCrowd } from './crowd.ts';
import type { LabScenario } from './scenario.ts';

const SERVICE = 'shares';
const CONNECTIONS = 10_000;
const FULLEST = 1.15;
const ALONE_TIMEOUT_MS = 60_000;

export const shares: LabScenario = {
  on: 'lab',
  rounds: 1,
  async measure({ lab }, { rounds, connections = CONNECTIONS, progress }) {
    const vips = await serveEverywhere(lab, SERVICE, 'web', 'Local');
    const { nodes } = lab;
    const { addresses } = hostNamed(lab.plan, 'client');
    const nodeOfPod = await webPods(lab);
    const answersOf = async (vip: string, path: string) => {
      const crowd = await startCrowd(lab, { vips: [vip], connections, path });
      return (await crowd.stop()).map(({ broken, server }) => (broken === undefined ? server : ''));
    };
    const play = async (about: string) => {
      const seen: { shares: number[]; strangers: number[] } = { shares: [], strangers: [] };
      for (let round = 0; round < rounds; round += 1)
        for (const vip of vips) {
          const counts = servedBy(await answersOf(vip, '/hostname'), nodes, nodeOfPod);
          progress(`${about}: ${connections} connections to ${vip}: ${[...counts].flat().join(' ')}`);
          seen.shares.push(fullest(counts));
          seen.strangers.push(strangersIn(await answersOf(vip, '/clientip'), addresses));
        }
      return seen;
    };
    await servedByAll(lab, SERVICE, nodes);
    const every = await play('every node serves');
    await lab.kubectl(['annotate', 'service', SERVICE, `${SERVE_ANNOTATION}=owner`, '--overwrite']);
    await waitUntil({
      what: 'the owner to serve alone',
      timeoutMs: ALONE_TIMEOUT_MS,
      probe: async () => !(await servedByText(lab, SERVICE)).startsWith('True'),
    });
    const owner = await play('owner serves');
    const plain = (samples: readonly number[]) => ({ yardstick: { name: 'owner serves', samples } });
    return [
      figure({
        ...{ name: `fullest node over the mean, ${connections} connections`, unit: 'times', samples: every.shares },
        ...{ ...plain(owner.shares), target: { on: 'worst', atMost: FULLEST } },
      }),
      figure({
        ...{ name: '  wrong or missing /clientip', unit: 'count', samples: every.strangers },
        ...{ ...plain(owner.strangers), target: { on: 'worst', atMost: 0 } },
      }),
    ];
  },
};
