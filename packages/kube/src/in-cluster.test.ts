// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { inClusterAccess } from './in-cluster.ts';

describe('inClusterAccess', () => {
  let root: string;
  let clock: FakeClock;

  beforeEach(async () => {
    clock = new FakeClock();
    root = await mkdtemp(join(tmpdir(), 'berth-kube-'));
    await writeFile(join(root, 'ca.crt'), 'authority');
    await writeFile(join(root, 'namespace'), 'berth-system\n');
    await writeFile(join(root, 'token'), 'first\n');
  });

  afterEach(() => rm(root, { recursive: true }));

  const open = () => inClusterAccess({ root, clock, server: 'https://192.0.2.1:6443' });
  const tokenOf = async (access: ReturnType<typeof open>) => (await access.credentials()).headers.Authorization;

  it('takes namespace, authority and token from the mounted files', async () => {
    const access = open();
    expect(access.namespace).to.equal('berth-system');
    expect(await access.credentials()).to.deep.equal({
      headers: { Authorization: 'Bearer first' },
      tls: { ca: Buffer.from('authority') },
    });
  });

  it('reads the token again after a minute', async () => {
    const access = open();
    await tokenOf(access);
    await writeFile(join(root, 'token'), 'second');
    await clock.advance(59_999);
    expect(await tokenOf(access)).to.equal('Bearer first');
    await clock.advance(1);
    expect(await tokenOf(access)).to.equal('Bearer second');
  });

  it('reads the token again at once after it was refused', async () => {
    const access = open();
    await tokenOf(access);
    await writeFile(join(root, 'token'), 'second');
    access.invalidate();
    expect(await tokenOf(access)).to.equal('Bearer second');
  });
});
