// SPDX-License-Identifier: Apache-2.0

// A node begins to serve a Service of which another one has many idle connections. The yardstick is plain layer 2,
// where the node that joins gets the VIPs.

import { setTimeout as delay } from 'node:timers/promises';
import { inUrl } from '../../test/lab/in-url.ts';
import { waitUntil } from '../../test/lab/wait.ts';
import { SERVE_ANNOTATION, servedByAll, servedBy as servedByText } from '../../test/support/serving.ts';
import { setSpeakerOptions } from '../../test/support/speakers.ts';
import { BERTH_NAMESPACE, deployWeb, waitForAnswer } from '../../test/support/workload.ts';
import type { BenchLab } from '../berth-lab.ts';
import { chooseAll, chooseNodes, join, leave } from '../chosen-nodes.ts';
import { moveVips, ownersOf } from '../owners.ts';
import { type Figure, figure } from '../report.ts';
import { type Commit, commitsIn } from './counts.ts';
import { serveEverywhere, startCrowd } from './crowd.ts';
import type { LabScenario } from './scenario.ts';

const SERVICE = 'member-joins';
/** Enough that none has more connections than a process may have files open. */
const PODS = 6;
const CONNECTIONS = 50_000;
const COMMITTED_MS = 1_000;
/** Connections that have begun before are in no table of what was seen. */
const BEFORE_MS = 20_000;
/** Until conntrack has been read once more. */
const AFTER_MS = 3_000;
const ALONE_TIMEOUT_MS = 60_000;
const [HOLDER, JOINER, THIRD] = ['node-1', 'node-2', 'node-3'];

interface Seen {
  readonly connections: number;
  readonly broken: number;
  readonly commits: readonly Commit[];
}

export const memberJoins: LabScenario = {
  on: 'lab',
  rounds: 3,
  async measure({ lab }, { rounds, connections = CONNECTIONS, progress }) {
    await deployWeb(lab, PODS, { name: SERVICE });
    const vips = await serveEverywhere(lab, SERVICE, SERVICE, 'Cluster');
    await chooseNodes(lab);
    await leave(lab, THIRD);
    const play = async (title: string, joined: () => Promise<void>): Promise<Seen> => {
      progress(`${title}: ${connections} connections`);
      await leave(lab, JOINER);
      await answeredByOne(lab, vips);
      const crowd = await startCrowd(lab, { vips, connections });
      const since = new Date();
      try {
        await delay(BEFORE_MS);
        await join(lab, JOINER);
        await joined();
        await delay(AFTER_MS);
      } catch (error) {
        await crowd.stop();
        throw error;
      }
      const kept = await crowd.stop();
      const broken = kept.filter((one) => one.broken !== undefined).length;
      const commits = commitsIn(await logsOf(lab), vips, since);
      const told = commits.map(({ tookMs, how }) => `${how} after ${tookMs} ms`).join(', ');
      progress(`  ${broken} broken${told === '' ? '' : `, committed: ${told}`}`);
      return { connections: kept.length, broken, commits };
    };
    try {
      const seen: Seen[] = [];
      for (let round = 1; round <= rounds; round += 1)
        seen.push(
          await play(`a member joins: round ${round} of ${rounds}`, () => servedByAll(lab, SERVICE, [HOLDER, JOINER])),
        );
      await lab.kubectl(['annotate', 'service', SERVICE, `${SERVE_ANNOTATION}=owner`, '--overwrite']);
      await setSpeakerOptions(lab, 'PLANNED_MOVES=plain');
      const plain = await play('plain layer 2, VIPs moved to who joins', () => moveVips(lab, vips, () => JOINER));
      return figuresOf(seen, plain);
    } finally {
      await setSpeakerOptions(lab, 'PLANNED_MOVES-');
      await chooseAll(lab);
    }
  },
};

function figuresOf(seen: readonly Seen[], plain: Seen): Figure[] {
  const commits = seen.flatMap((one) => one.commits);
  if (commits.length === 0) throw new Error('no speaker told of a change');
  const connections = Math.max(...seen.map((one) => one.connections));
  return [
    figure({
      ...{ name: `a member joins, ${connections} idle connections: broken`, unit: 'count' },
      ...{ samples: seen.map(({ broken }) => broken), yardstick: { name: 'plain', samples: [plain.broken] } },
      target: { on: 'worst', atMost: 0 },
    }),
    figure({
      ...{ name: '  committed after', unit: 'ms', samples: commits.map(({ tookMs }) => tookMs) },
      target: { on: 'worst', atMost: COMMITTED_MS },
    }),
    figure({
      ...{ name: '  changes that a node had not told for', unit: 'count' },
      samples: [commits.filter(({ how }) => how === 'time-out').length],
      target: { on: 'worst', atMost: 0 },
    }),
  ];
}

async function answeredByOne(lab: BenchLab['lab'], vips: readonly string[]): Promise<void> {
  await waitUntil({
    what: `${HOLDER} to own the VIPs and to serve alone`,
    timeoutMs: ALONE_TIMEOUT_MS,
    probe: async () => {
      const owners = await ownersOf(lab, vips);
      const isOwned = vips.every((vip) => owners.get(vip) === HOLDER);
      return isOwned && !(await servedByText(lab, SERVICE)).startsWith('True');
    },
  });
  for (const vip of vips) await waitForAnswer(lab, `http://${inUrl(vip)}/hostname`);
}

function logsOf(lab: BenchLab['lab']): Promise<string> {
  const selector = ['-l', 'app.kubernetes.io/component=speaker', '-c', 'speaker', '--tail=-1'];
  return lab.kubectl(['-n', BERTH_NAMESPACE, 'logs', ...selector]);
}
