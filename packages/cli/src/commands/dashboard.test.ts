// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_LOAD_BALANCER_CLASS } from '@berth/core';
import { sampleCluster } from '@berth/core/testing';
import { KubeError } from '@berth/kube';
import { type FakeApi, type FakeCall, fakeApiOf } from '@berth/kube/testing';
import { systemClock } from '@berth/runtime';
import { expect } from 'chai';
import type { Environment } from '../environment.ts';
import { dashboard } from './dashboard.ts';

const ACCESS = { kubeconfig: undefined, context: undefined, cluster: undefined, user: undefined, as: undefined };
const CLUSTER = {
  ...{ access: ACCESS, requestTimeoutMs: undefined, berthNamespace: 'berth-system' },
  loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS,
};

interface Running {
  readonly said: string[];
  readonly address: Promise<string>;
  readonly ended: Promise<number>;
  readonly interrupt: () => void;
}

/** `hastens`: how many times faster minutes pass for the command than for the test. */
function start(api: FakeApi, { opens = false, port = 0, hastens = 1 } = {}): Running {
  const said: string[] = [];
  const address = Promise.withResolvers<string>();
  const interruption = new AbortController();
  const say = (text: string) => {
    said.push(text);
    if (text.startsWith('http://')) address.resolve(text.trim());
  };
  const environment: Environment = {
    ...{ out: say, err: say, readFile: async () => '' },
    connect: async () => ({ api, namespace: 'default', server: 'https://192.0.2.1:6443' }),
    clock: {
      ...{ now: () => systemClock.now() * hastens, date: () => systemClock.date() },
      after: (delayMs, callback) => systemClock.after(delayMs / hastens, callback),
    },
    terminal: {
      interrupted: interruption.signal,
      open: async (page) => {
        said.push(`opens ${page}`);
        return true;
      },
    },
  };
  const ended = dashboard({ kind: 'dashboard', port, opens, cluster: CLUSTER }, environment);
  ended.catch((error: unknown) => address.reject(error as Error));
  return { said, address: address.promise, ended, interrupt: () => interruption.abort() };
}

async function sessionOf(address: string): Promise<Record<string, string>> {
  const { origin, hash } = new URL(address);
  const response = await fetch(`${origin}/session`, { headers: { authorization: `Bearer ${hash.slice(1)}` } });
  const { session } = (await response.json()) as { session: string };
  return { authorization: `Bearer ${session}` };
}

describe('kubectl berth dashboard', () => {
  it('DB-07: prints the address, opens it, and ends with 0 at Ctrl-C', async () => {
    const running = start(await fakeApiOf(sampleCluster()), { opens: true });
    const address = await running.address;
    expect(address).to.match(/^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
    running.interrupt();
    expect(await running.ended).to.equal(0);
    expect(running.said).to.deep.equal([
      ...[`${address}\n`, `opens ${address}`, 'opened in your browser; it works once. Ctrl-C ends it.\n'],
    ]);
    expect(await fetch(address).catch(() => 'gone')).to.equal('gone');
  });

  it('DB-07: opens nothing with --no-open', async () => {
    const running = start(await fakeApiOf(sampleCluster()));
    await running.address;
    running.interrupt();
    await running.ended;
    expect(running.said.join('')).to.include('open this address');
    expect(running.said.join('')).to.not.include('opens');
  });

  it('DB-07: ends a minute after the last page was closed, and not while one is open or before one came', async () => {
    const running = start(await fakeApiOf(sampleCluster()), { hastens: 200 });
    const address = await running.address;
    const { origin } = new URL(address);
    const headers = await sessionOf(address);
    // Two minutes of the command.
    await new Promise((resolve) => setTimeout(resolve, 600));
    const closing = new AbortController();
    const events = await fetch(`${origin}/events`, { headers, signal: closing.signal });
    await events.body?.getReader().read();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect((await fetch(`${origin}/explain?service=ns-0/s-0`, { headers })).status).to.equal(200);
    closing.abort();
    expect(await running.ended).to.equal(0);
    expect(running.said.at(-1)).to.equal('the page has been closed for a minute: ended\n');
  });

  it('DB-04: only ever reads', async () => {
    const api = await fakeApiOf(sampleCluster());
    api.calls.length = 0;
    const running = start(api);
    const address = await running.address;
    const headers = await sessionOf(address);
    await fetch(`${new URL(address).origin}/what-if?drain=edge-1`, { headers });
    running.interrupt();
    await running.ended;
    expect([...new Set(api.calls.map(({ verb }) => verb))].sort()).to.deep.equal(['list', 'watch']);
  });

  it('DB-09: goes without what may not be read, and says so', async () => {
    const api = await fakeApiOf(sampleCluster());
    api.before = refusing('Event');
    const running = start(api);
    await running.address;
    running.interrupt();
    await running.ended;
    expect(running.said[0]).to.equal('not shown, since you may not watch them: events\n');
  });

  it('DB-09: fails where Leases may not be read', async () => {
    const api = await fakeApiOf(sampleCluster());
    api.before = refusing('Lease');
    const error = await start(api).ended.catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(KubeError).and.to.have.property('code', 'forbidden');
  });

  it('DB-09: fails at once where the API server is not reached, and not only when somebody interrupts', async () => {
    const api = await fakeApiOf(sampleCluster());
    api.before = () => {
      throw new KubeError('network', 'connect ECONNREFUSED');
    };
    const error = await start(api).ended.catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'network');
  });

  it('DB-07: ends at Ctrl-C also while the cluster is still being read', async () => {
    const api = await fakeApiOf(sampleCluster());
    const reading = Promise.withResolvers<void>();
    const going = Promise.withResolvers<void>();
    api.before = ({ kind }) => {
      if (kind !== 'Node') return;
      reading.resolve();
      return going.promise;
    };
    const running = start(api);
    await reading.promise;
    running.interrupt();
    // What is under way is cut off by its signal, which this API does not look at.
    going.resolve();
    expect(await running.ended).to.equal(0);
    expect(running.said).to.deep.equal([]);
  });

  it('DB-01: says in one line that a port is taken', async () => {
    const first = start(await fakeApiOf(sampleCluster()));
    const port = Number(new URL(await first.address).port);
    const error = await start(await fakeApiOf(sampleCluster()), { port }).ended.catch((reason: unknown) => reason);
    expect((error as Error).message).to.equal(
      `port ${port} of 127.0.0.1 is in use; without --port a free one is taken`,
    );
    first.interrupt();
    await first.ended;
  });
});

function refusing(kind: string) {
  return (call: FakeCall) => {
    if (call.kind === kind) throw new KubeError('forbidden', `${call.verb} ${kind}: not allowed`, { status: 403 });
  };
}
