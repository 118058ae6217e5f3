// SPDX-License-Identifier: Apache-2.0

// 2,000 VIPs, a third on each node, and the speaker of one node killed: when each VIP of that node is answered again,
// as asked on the wire ten times a second, and whether any other VIP moved.

import { setTimeout as delay } from 'node:timers/promises';
import { services } from '@berth/kube';
import { waitUntil } from '../../test/lab/wait.ts';
import { answeredTwice, newestAnswerers, questionsIn, takenOverMs } from '../../test/support/wire-record.ts';
import { monotonicMs } from '../../test/support/wire-watch.ts';
import { BERTH_NAMESPACE } from '../../test/support/workload.ts';
import { createMany, isAssigned, NAMESPACE, namesOf } from '../many-services.ts';
import { type Figure, figure } from '../report.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const COUNT = 2000;
const ASK_EVERY_MS = 100;
const WARM_MS = 1000;
const WATCH_MS = 2500;
const AT_MOST_MS = 1000;
const SETTLE_TIMEOUT_MS = 240_000;
/** A node has a third of the VIPs, give or take so many: on a slow machine one node takes what another was to take. */
const UNEVEN_AT_MOST = 170;
const SPREADS_AT_MOST = 5;
/** The network that the VIPs are of, as a second one of the nodes. */
const NETWORK = { prefix: '10.200.255.', length: 16 } as const;
/** A data key of the pools' ConfigMap with which no one is to announce anything. */
const NOBODY = 'nobody.yaml';
const NOBODY_ANNOUNCES = JSON.stringify({
  apiVersion: 'berth.dev/v1',
  kind: 'L2Advertisement',
  metadata: { name: 'nobody' },
  spec: { nodeSelectors: [{ matchLabels: { 'berth.dev/bench': 'nobody' } }] },
});

interface Seen {
  /** VIPs of the node that was killed. */
  readonly lost: number;
  /** From the last answer of the node that was killed to the first of somebody else for its last VIP. */
  readonly allAnsweredMs: number;
  readonly unanswered: number;
  /** VIPs of other nodes that have another owner now. */
  readonly moved: number;
  readonly twice: number;
}

export const manyVips: Scenario = {
  about: `owner of a third of ${COUNT} VIPs killed`,
  async measure(stage, rounds) {
    const vips = await stage.round(`${COUNT} Services`, () => createVips(stage));
    const seen: Seen[] = [];
    for (let round = 1; round <= rounds; round += 1)
      seen.push(await stage.round(`${manyVips.about}: round ${round} of ${rounds}`, () => play(stage, vips)));
    return figuresOf(seen);
  },
};

async function createVips({ client, lab, nodes }: Stage): Promise<string[]> {
  for (const [index, node] of nodes.entries()) {
    const address = `${NETWORK.prefix}${index + 1}/${NETWORK.length}`;
    await lab.exec(node, ['ip', 'address', 'replace', address, 'dev', 'eth0']);
  }
  const present = new Set(
    (await client.list(services, { namespace: NAMESPACE })).items.map(({ metadata }) => metadata.name),
  );
  const names = namesOf('many', COUNT).filter((name) => !present.has(name));
  await createMany(client, names);
  let vips: string[] = [];
  await waitUntil({
    what: `${COUNT} Services to have an address`,
    timeoutMs: SETTLE_TIMEOUT_MS,
    intervalMs: 1000,
    probe: async () => {
      const { items } = await client.list(services, { namespace: NAMESPACE });
      const ours = items.filter(({ metadata }) => metadata.name.startsWith('many-'));
      vips = ours.filter(isAssigned).map(({ status }) => status?.loadBalancer?.ingress?.[0]?.ip ?? '');
      return vips.length === COUNT;
    },
  });
  return vips;
}

async function play(stage: Stage, vips: readonly string[]): Promise<Seen> {
  const { watch } = stage;
  await watch.ask(vips, ASK_EVERY_MS);
  const owner = await spreadEvenly(stage, vips);
  const dead = stage.macOf(owner);
  await watch.take();
  await delay(WARM_MS);
  const killMs = monotonicMs();
  await stage.lab.kill(owner);
  await delay(WATCH_MS);
  const record = await watch.take();
  await watch.ask(stage.vips);
  await stage.freshPods(BERTH_NAMESPACE, [
    ...['-l', 'app.kubernetes.io/component=speaker'],
    ...['--field-selector', `spec.nodeName=${owner}`],
  ]);
  await stage.whole();
  const before = newestAnswerers({ questions: questionsIn(record, { untilMs: killMs - 1 }), announcements: [] });
  const after = newestAnswerers({ questions: questionsIn(record, { fromMs: killMs }), announcements: [] });
  const lost = vips.filter((vip) => before.get(vip)?.includes(dead));
  const kept = vips.filter((vip) => !before.get(vip)?.includes(dead));
  const taken = takenOverMs(record, { fromMs: killMs }, dead);
  const answersOfDead = record.questions.flatMap(({ answers }) => answers.filter(({ mac }) => mac === dead));
  const endMs = answersOfDead.reduce((last, { atMs }) => Math.max(last, atMs), killMs);
  return {
    lost: lost.length,
    allAnsweredMs: lost.reduce((last, vip) => Math.max(last, (taken.get(vip) ?? Infinity) - endMs), 0),
    unanswered: vips.filter((vip) => after.get(vip)?.some((mac) => mac !== dead) !== true).length,
    moved: kept.filter((vip) => String(before.get(vip)) !== String(after.get(vip))).length,
    twice: answeredTwice(record.questions).length,
  };
}

/**
 * For a moment no one is to announce anything, and then all nodes share out everything anew. Returns the node whose
 * share is next to a third; all have about that.
 */
async function spreadEvenly(stage: Stage, vips: readonly string[]): Promise<string> {
  for (let spread = 1; spread <= SPREADS_AT_MOST; spread += 1) {
    await editPools(stage, { [NOBODY]: NOBODY_ANNOUNCES });
    await waitForAnswers(stage, 'no one to answer', (answered) => answered.size === 0);
    await editPools(stage, { [NOBODY]: null });
    let shares: { node: string; off: number }[] = [];
    await waitForAnswers(stage, `one answer for each of ${COUNT} VIPs`, (answered) => {
      shares = stage.nodes.map((node) => {
        const own = vips.filter((vip) => String(answered.get(vip)) === stage.macOf(node));
        return { node, off: Math.abs(own.length - COUNT / stage.nodes.length) };
      });
      return vips.every((vip) => answered.get(vip)?.length === 1);
    });
    shares.sort((a, b) => a.off - b.off);
    if (shares.every(({ off }) => off <= UNEVEN_AT_MOST)) return shares[0]?.node ?? '';
  }
  throw new Error(`no even spread of ${COUNT} VIPs in ${SPREADS_AT_MOST} attempts`);
}

function editPools({ lab }: Stage, data: Readonly<Record<string, string | null>>): Promise<string> {
  const patch = JSON.stringify({ data });
  return lab.kubectl(['-n', BERTH_NAMESPACE, 'patch', 'configmap', 'ip-address-pools', '--type=merge', '-p', patch]);
}

function waitForAnswers(
  { watch }: Stage,
  what: string,
  isSo: (answered: Map<string, string[]>) => boolean,
): Promise<void> {
  return waitUntil({
    what,
    timeoutMs: SETTLE_TIMEOUT_MS,
    probe: async () => {
      await watch.take();
      await delay(3 * ASK_EVERY_MS);
      return isSo(newestAnswerers(await watch.take()));
    },
  });
}

function figuresOf(seen: readonly Seen[]): Figure[] {
  const of = (read: (one: Seen) => number) => seen.map(read);
  const none = { target: { on: 'worst', atMost: 0 } } as const;
  return [
    figure({
      name: `${manyVips.about}: all answered again`,
      unit: 'ms',
      samples: of(({ allAnsweredMs }) => allAnsweredMs),
      target: { on: 'worst', atMost: AT_MOST_MS },
    }),
    figure({ name: '  VIPs of that node', unit: 'count', samples: of(({ lost }) => lost) }),
    figure({ name: '  VIPs without an answer', unit: 'count', samples: of(({ unanswered }) => unanswered), ...none }),
    figure({ name: '  other VIPs that moved', unit: 'count', samples: of(({ moved }) => moved), ...none }),
    figure({ name: '  questions with two answers', unit: 'count', samples: of(({ twice }) => twice), ...none }),
  ];
}
