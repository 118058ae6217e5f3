// SPDX-License-Identifier: Apache-2.0

// A control plane alone, on the real thing: what tests of Kubernetes clients stand on.

import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { expect } from 'chai';
import { parse } from 'yaml';
import { Lab } from './lab.ts';
import { tracesOf } from './traces.ts';

const NAME = 'test-plane';
const OTHER = 'test-plane-2';

describe('a lab without nodes (needs root)', function () {
  this.timeout(60_000);
  let lab: Lab;

  before(async function () {
    if (process.getuid?.() !== 0) this.skip();
    lab = await Lab.up({ name: NAME, nodes: 0 });
  });

  after(async () => {
    await Promise.all([Lab.down(NAME), Lab.down(OTHER)]);
  });

  it('has a kubeconfig that works with any client', async () => {
    const { server, ca, token } = await credentials(lab);
    expect(await statusOf({ url: `${server}/api/v1/namespaces/default`, ca, token })).to.equal(200);
    expect(await statusOf({ url: `${server}/api/v1/namespaces/default`, ca, token: 'wrong' })).to.equal(401);
  });

  it('has the controllers that make ServiceAccounts', async () => {
    await lab.kubectl(['create', 'namespace', 'berth-system']);
    await lab.kubectl(['wait', '--for=create', '--timeout=10s', '-n', 'berth-system', 'serviceaccount/default']);
  });

  it('stays as it is when it is brought up again', async () => {
    const before = await lab.processIds('cp');
    const again = await Lab.up({ name: NAME });
    expect(again.kubeconfig).to.equal(lab.kubeconfig);
    expect(await lab.processIds('cp')).to.deep.equal(before);
  });

  it('refuses to change its shape', async () => {
    const refused = await Lab.up({ name: NAME, nodes: 2 }).catch((error: Error) => error.message);
    expect(refused).to.equal(`lab: "${NAME}" is up with nodes 0, not 2; take it down first`);
  });

  for (const how of ['gently', 'crash'] as const) {
    it(`keeps its data when the API server is restarted (${how})`, async () => {
      await lab.kubectl(['create', 'configmap', `kept-${how}`]);
      await lab.restartApiServer(how);
      expect(await lab.kubectl(['get', 'configmap', `kept-${how}`, '-o', 'name'])).to.equal(`configmap/kept-${how}\n`);
    });
  }

  it('drops connections on demand and takes new ones', async () => {
    const { server, ca, token } = await credentials(lab);
    const ended = watchEnds({ url: `${server}/api/v1/services?watch=true`, ca, token });
    await ended.open;
    await lab.dropApiConnections();
    expect(await ended.cause).to.equal('ECONNRESET');
    expect(await statusOf({ url: `${server}/readyz`, ca, token })).to.equal(200);
  });

  it('falls silent when its cable is pulled', async () => {
    const { server, ca, token } = await credentials(lab);
    await lab.cable('cp', 'down');
    const silent = await statusOf({ url: `${server}/readyz`, ca, token, timeoutMs: 500 }).catch(
      (error: Error) => error.message,
    );
    await lab.cable('cp', 'up');
    expect(silent).to.equal('silence');
    expect(await statusOf({ url: `${server}/readyz`, ca, token })).to.equal(200);
  });

  it('runs beside another lab, on other subnets, and each goes alone', async () => {
    const other = await Lab.up({ name: OTHER, nodes: 0, family: 'ipv6' });
    expect(other.plan.lans[0]?.some((subnet) => lab.plan.lans[0]?.includes(subnet))).to.equal(false);
    expect(await other.kubectl(['get', 'configmap', '--ignore-not-found', 'kept-crash'])).to.equal('');
    await other.down();
    expect(await tracesOf(OTHER)).to.deep.equal([]);
    expect(await lab.kubectl(['get', '--raw', '/readyz'])).to.equal('ok');
  });

  it('leaves nothing when it goes', async () => {
    expect(await tracesOf(NAME)).to.not.deep.equal([]);
    await lab.down();
    expect(await tracesOf(NAME)).to.deep.equal([]);
  });

  it('can go twice', () => Lab.down(NAME));

  it('cannot be attached to when it is gone', async () => {
    const refused = await Lab.attach(NAME).catch((error: Error) => error.message);
    expect(refused).to.include('is not up');
  });
});

interface Call {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly timeoutMs?: number;
}

async function credentials(lab: Lab) {
  const config = parse(await readFile(lab.kubeconfig, 'utf8'));
  const authority: string = config.clusters[0].cluster['certificate-authority-data'];
  const server: string = config.clusters[0].cluster.server;
  const token: string = config.users[0].user.token;
  return { server, token, ca: Buffer.from(authority, 'base64').toString() };
}

function statusOf({ url, ca, token, timeoutMs = 5_000 }: Call): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ca, agent: false, timeout: timeoutMs, headers: { authorization: `Bearer ${token}` } });
    request.once('timeout', () => request.destroy(new Error('silence')));
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
}

/** A watch: `open` when it has been answered, `cause` is the code that it ended with. */
function watchEnds({ url, ca, token }: Call): { open: Promise<void>; cause: Promise<string> } {
  const { promise: open, resolve: opened, reject } = Promise.withResolvers<void>();
  const { promise: cause, resolve: ended } = Promise.withResolvers<string>();
  const request = get(url, { ca, agent: false, headers: { authorization: `Bearer ${token}` } });
  request.once('error', reject);
  request.once('response', (response) => {
    response.once('error', (error: NodeJS.ErrnoException) => ended(error.code ?? error.message));
    response.once('end', () => ended('end'));
    response.resume();
    opened();
  });
  return { open, cause };
}
