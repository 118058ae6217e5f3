// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { HEARTBEAT_SECRET } from '@berth/core';
import { KubeError, secrets } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { HeartbeatSecret } from './heartbeat-secret.ts';

const AT = { namespace: 'berth-system', name: HEARTBEAT_SECRET };

describe('HeartbeatSecret', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let errors: string[];
  let made: number;
  let parts: HeartbeatSecret[];

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    errors = [];
    made = 0;
    parts = [];
  });

  afterEach(() => Promise.all(parts.map((part) => part.stop())));

  function start(): void {
    const part = new HeartbeatSecret({
      ...{ api, clock, randomBytes },
      namespace: AT.namespace,
    });
    part.made.subscribe(() => {
      made += 1;
    });
    part.failures.subscribe(({ code }) => errors.push(code));
    parts.push(part);
    part.start();
  }

  async function current(): Promise<string> {
    const { data } = await api.get(secrets, AT);
    return data?.current ?? '';
  }

  it('makes it with 32 random bytes when it is not there, once, however many replicas there are', async () => {
    start();
    start();
    await settle();
    expect(Buffer.from(await current(), 'base64')).to.have.length(32);
    expect(made).to.equal(1);
    expect(errors).to.deep.equal([]);
  });

  it('leaves alone the one that is there', async () => {
    await api.create(secrets, { metadata: AT, data: { current: 'bWluZQ==' } });
    start();
    await settle();
    expect(await current()).to.equal('bWluZQ==');
  });

  it('makes a new one when it is deleted', async () => {
    start();
    await settle();
    const before = await current();
    await api.delete(secrets, AT);
    await settle();
    expect(await current()).not.to.equal(before);
  });

  it('tries again when the API server refuses', async () => {
    api.before = ({ verb }) => {
      if (verb === 'create') throw new KubeError('forbidden', 'no');
    };
    start();
    await settle();
    expect(errors).to.deep.equal(['forbidden']);
    api.before = () => {};
    await clock.advance(7_500);
    await settle();
    expect(made).to.equal(1);
  });

  it('waits longer after each refusal, up to a limit', async () => {
    api.before = ({ verb }) => {
      if (verb === 'create') throw new KubeError('forbidden', 'no');
    };
    start();
    await clock.advance(3_600_000);
    // 5, 10, 20, 40, 80, 160 s, then 300 s each, with up to half of each added.
    expect(errors.length).to.be.within(12, 18);
    api.before = () => {};
    await clock.advance(450_000);
    expect(made).to.equal(1);
  });

  it('leaves no timer behind', async () => {
    api.before = ({ verb }) => {
      if (verb === 'create') throw new KubeError('forbidden', 'no');
    };
    start();
    await settle();
    await parts[0]?.stop();
    expect(clock.pendingTimers).to.equal(0);
  });
});
