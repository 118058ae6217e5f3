// SPDX-License-Identifier: Apache-2.0

import { namespaces, secrets } from '@berth/kube';
import { FakeApi } from '@berth/kube/testing';
import type { Log } from '@berth/runtime';
import { FakeClock, settle } from '@berth/runtime/testing';
import { expect } from 'chai';
import { clusterIdOf, HeartbeatCredentials } from './heartbeat-credentials.ts';
import { HeartbeatKeys } from './heartbeat-keys.ts';

const AT = { namespace: 'berth-system', name: 'heartbeat' };
const [OLD, NEW] = ['a secret of 32 bytes, and then more', 'another secret of 32 bytes, and more'];

const base64 = (text: string) => Buffer.from(text).toString('base64');

function keyId(secret: string): number {
  const made = HeartbeatKeys.of({ current: Buffer.from(secret) });
  return made.ok ? made.keys.newest.id : -1;
}

describe('HeartbeatCredentials', () => {
  let api: FakeApi;
  let clock: FakeClock;
  let lines: string[];
  let credentials: HeartbeatCredentials;

  beforeEach(() => {
    api = new FakeApi();
    clock = new FakeClock();
    lines = [];
    const tell = (message: string) => lines.push(message);
    const log: Log = { error: tell, warn: tell, info: tell, debug: tell };
    credentials = new HeartbeatCredentials({ api, clock, log, namespace: AT.namespace });
  });

  afterEach(() => credentials.stop());

  const make = (current: string) => api.create(secrets, { metadata: AT, data: { current: base64(current) } });
  const makeCluster = () => api.create(namespaces, { metadata: { name: 'kube-system' } });
  const put = async (data: Record<string, string>) => {
    const encoded = Object.fromEntries(Object.entries(data).map(([name, text]) => [name, base64(text)]));
    await api.replace(secrets, { ...(await api.get(secrets, AT)), data: encoded });
    await settle();
  };
  const ids = () => [credentials.keys().newest.id, credentials.keys().previous?.id];

  async function startWith(secret: string): Promise<void> {
    await makeCluster();
    await make(secret);
    credentials.start();
    await credentials.ready;
  }

  it('has the keys of the Secret and an id from the UID of kube-system', async () => {
    const { metadata } = await makeCluster();
    await make(OLD);
    credentials.start();
    await credentials.ready;
    expect(ids()).to.deep.equal([keyId(OLD), undefined]);
    expect(credentials.clusterId).to.equal(clusterIdOf(metadata.uid ?? ''));
    expect(credentials.missing).to.equal(undefined);
  });

  it('waits for the Secret and says so', async () => {
    await makeCluster();
    credentials.start();
    await settle();
    expect(credentials.missing).to.equal('Secret berth-system/heartbeat');
    expect(lines).to.deep.equal(['waiting for the heartbeat secret, which the controller makes']);
    await make(OLD);
    await credentials.ready;
    expect(credentials.missing).to.equal(undefined);
  });

  it('waits for the cluster id and tries again', async () => {
    await make(OLD);
    credentials.start();
    await settle();
    expect(credentials.missing).to.equal('the UID of namespace kube-system');
    await makeCluster();
    await clock.advance(1_000);
    await credentials.ready;
  });

  it('takes over a key that was changed with its predecessor', async () => {
    await startWith(OLD);
    await put({ current: NEW, previous: OLD });
    expect(ids()).to.deep.equal([keyId(NEW), keyId(OLD)]);
    await put({ current: NEW });
    await clock.advance(60_000);
    expect(ids()).to.deep.equal([keyId(NEW), undefined]);
  });

  it('accepts the old key for a minute when it was replaced without naming it', async () => {
    await startWith(OLD);
    await api.delete(secrets, AT);
    await settle();
    expect(ids()).to.deep.equal([keyId(OLD), undefined]);
    await make(NEW);
    await settle();
    expect(ids()).to.deep.equal([keyId(NEW), keyId(OLD)]);
    await clock.advance(60_000);
    expect(ids()).to.deep.equal([keyId(NEW), undefined]);
  });

  it('keeps the last good keys when the Secret cannot be used', async () => {
    await startWith(OLD);
    await put({ current: 'short' });
    await put({ other: NEW });
    expect(ids()).to.deep.equal([keyId(OLD), undefined]);
    expect(lines.filter((line) => line === 'heartbeat secret refused')).to.have.length(2);
  });
});
