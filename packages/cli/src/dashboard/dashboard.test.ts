// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_LOAD_BALANCER_CLASS } from '@berth/core';
import { SAMPLE_MS, sampleCluster } from '@berth/core/testing';
import type { Everything } from '@berth/dashboard';
import { KubeError } from '@berth/kube';
import { fakeApiOf } from '@berth/kube/testing';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import { Dashboard } from './dashboard.ts';

const ACCESS = { kubeconfig: undefined, context: undefined, cluster: undefined, user: undefined, as: undefined };
const OUTAGE_MS = 600_000;
const HASTENS = 50;

describe('Dashboard', () => {
  it('DB-20: takes no node for silent while the API server is away, or after a sleep; then judges what it reads', async () => {
    const objects = sampleCluster();
    const api = await fakeApiOf(objects);
    let nowMs = SAMPLE_MS;
    const page = new Dashboard({
      ...{ api, port: 0, onRemark: () => {}, origin: { cluster: '', namespace: 'berth-system' } },
      clock: {
        ...{ now: () => systemClock.now() * HASTENS, date: () => new Date(nowMs) },
        after: (delayMs, callback) => systemClock.after(delayMs / HASTENS, callback),
      },
      cluster: {
        ...{ access: ACCESS, requestTimeoutMs: undefined, berthNamespace: 'berth-system' },
        loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS,
      },
    });
    await page.start();
    const look = await lookerAt(page.address);
    const kindsOf = ({ parts }: Everything) => parts.problems.map(({ kind }) => kind);
    expect(kindsOf(await look())).to.deep.equal([]);

    api.before = () => {
      throw new KubeError('network', 'connect ECONNREFUSED');
    };
    nowMs += OUTAGE_MS;
    await until(async () => (await look()).api.state === 'lost');
    const away = await look();
    expect(kindsOf(away)).to.deep.equal([]);
    expect(away.atMs).to.equal(nowMs);

    // No one has renewed its Lease meanwhile.
    api.before = () => {};
    await until(async () => kindsOf(await look()).includes('no-speaker'));
    await page.stop();
  });
});

/** What a page is told first. */
async function lookerAt(address: string): Promise<() => Promise<Everything>> {
  const { origin, hash } = new URL(address);
  const opened = await fetch(`${origin}/session`, { headers: { authorization: `Bearer ${hash.slice(1)}` } });
  const { session } = (await opened.json()) as { session: string };
  return async () => {
    const closing = new AbortController();
    const headers = { authorization: `Bearer ${session}` };
    const { body } = await fetch(`${origin}/events`, { headers, signal: closing.signal });
    const reader = body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    while (!text.includes('\n\n')) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error('the stream ended before the first message');
      text += decoder.decode(value, { stream: true });
    }
    closing.abort();
    return JSON.parse(text.slice('data: '.length, text.indexOf('\n\n'))) as Everything;
  };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
