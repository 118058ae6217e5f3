// SPDX-License-Identifier: Apache-2.0

// What answers and logs of a run say. Pure.

/** How many connections each node serves, of answers that name the pod; with policy Local the pod's node serves. */
export function servedBy(
  pods: readonly string[],
  nodes: readonly string[],
  nodeOfPod: ReadonlyMap<string, string>,
): Map<string, number> {
  const counts = new Map(nodes.map((node) => [node, 0]));
  for (const pod of pods) {
    const node = nodeOfPod.get(pod);
    if (node !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

/** The largest of these over their mean. */
export function fullest(counts: ReadonlyMap<string, number>): number {
  const all = [...counts.values()];
  const sum = all.reduce((one, other) => one + other, 0);
  return sum === 0 ? 0 : (Math.max(...all) * all.length) / sum;
}

/** How many of these answers of /clientip, `IP:PORT` or `[IP]:PORT`, are not of one of the addresses. */
export function strangersIn(answers: readonly string[], addresses: readonly string[]): number {
  const addressIn = (answer: string) =>
    answer
      .trim()
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1');
  return answers.filter((answer) => !addresses.includes(addressIn(answer))).length;
}

/** A change of who serves a VIP. */
export interface Commit {
  readonly tookMs: number;
  /** `time-out`: a node had not told its flows after a second. */
  readonly how: 'all-told' | 'time-out';
}

interface CommitLine extends Commit {
  readonly timestamp: string;
  readonly vip: string;
}

const COMMITTED = 'every node serves: a change is committed';

/** The changes of these VIPs that logs of speakers tell of, from a time on. */
export function commitsIn(log: string, vips: readonly string[], since: Date): Commit[] {
  return log
    .split('\n')
    .filter((line) => line.includes(COMMITTED))
    .map((line) => JSON.parse(line) as CommitLine)
    .filter(({ vip, timestamp }) => vips.includes(vip) && new Date(timestamp) >= since)
    .map(({ tookMs, how }) => ({ tookMs, how }));
}
