// SPDX-License-Identifier: Apache-2.0

// Metrics over TLS for tokens that the API server knows, of the controller as a process; the speaker serves them by the
// same code.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '@berth/runtime/testing';
import { expect } from 'chai';
import { selfSigned } from '../../../packages/runtime/src/self-signed.ts';
import { restartApiServer } from '../support/cluster.ts';
import { type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';

/** Ports of the process, other ones for each test. */
let metricsPort: number;
let healthPort: number;

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  /** Common name of the certificate. */
  readonly name: string | undefined;
}

async function get(path: string, token?: string): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const sent = request({
    host: '127.0.0.1',
    port: metricsPort,
    path,
    headers,
    rejectUnauthorized: false,
    agent: false,
  });
  sent.end();
  const [response] = await once(sent, 'response');
  const { subject } = response.socket.getPeerCertificate();
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text, name: subject?.CN };
}

const health = async (path: string) => (await fetch(`http://127.0.0.1:${healthPort}${path}`)).status;

/** A ServiceAccount of the system's namespace with a token; a reader is bound to the role of the component. */
async function tokenOf(rig: Rig, name: string, as: 'reader' | 'nobody'): Promise<string> {
  const { lab } = rig.cluster;
  const at = ['-n', rig.system];
  await lab.kubectl(['create', 'serviceaccount', name, ...at]);
  if (as === 'reader') {
    const rules = ['--verb=get', '--non-resource-url=/metrics'];
    await lab.kubectl(['create', 'clusterrole', `metrics-${rig.system}`, ...rules]);
    const binding = [`--clusterrole=metrics-${rig.system}`, `--serviceaccount=${rig.system}:${name}`];
    await lab.kubectl(['create', 'clusterrolebinding', `metrics-${rig.system}`, ...binding]);
  }
  return (await lab.kubectl(['create', 'token', name, ...at])).trim();
}

describe('metrics for tokens', () => {
  const use = useRig();
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-contract-'));
  });

  afterEach(async () => {
    const { rig } = use;
    child?.kill('SIGKILL');
    if (child?.exitCode === null) await once(child, 'exit');
    for (const kind of ['clusterrolebinding', 'clusterrole'])
      await rig.cluster.lab.kubectl(['delete', kind, `metrics-${rig.system}`, '--ignore-not-found']);
    await rm(folder, { recursive: true });
  });

  async function start(rig: Rig, ...more: string[]): Promise<void> {
    [metricsPort = 0, healthPort = 0] = await freePorts(2);
    const argv = [
      ...[`--kubeconfig=${rig.cluster.lab.kubeconfig}`, `--namespace=${rig.system}`, '--metrics-auth=token'],
      ...[`--metrics-address=127.0.0.1:${metricsPort}`, `--health-address=127.0.0.1:${healthPort}`, ...more],
    ];
    child = spawn(process.execPath, ['packages/controller/src/main.ts', ...argv], { stdio: 'ignore' });
    await until(async () => expect(await health('/readyz')).to.equal(200), 30_000);
  }

  it('MO-08, MO-09: the API server says who may read them; health is plain, and outlives an API server that is away', async () => {
    const { rig } = use;
    const [reader, nobody] = [await tokenOf(rig, 'reader', 'reader'), await tokenOf(rig, 'nobody', 'nobody')];
    await start(rig);
    const read = await until(async () => {
      const answer = await get('/metrics', reader);
      expect(answer.status, answer.text).to.equal(200);
      return answer;
    });
    expect(read.text).to.include('berth_build_info');
    expect(read.name).to.equal('berth-controller');
    expect((await get('/metrics')).status).to.equal(401);
    expect((await get('/metrics', 'abc')).status).to.equal(401);
    const refused = await get('/metrics', nobody);
    expect([refused.status, refused.text]).to.deep.equal([
      ...[
        403,
        `system:serviceaccount:${rig.system}:nobody may not get /metrics: bind a role with that nonResourceURL\n`,
      ],
    ]);
    expect((await get('/healthz', reader)).status).to.equal(404);
    expect([await health('/healthz'), await health('/metrics')]).to.deep.equal([200, 404]);

    await rig.cluster.lab.stopApiServer('crash');
    try {
      expect((await get('/metrics', reader)).status).to.equal(200);
      expect((await get('/metrics', 'other')).status).to.equal(503);
      expect(await health('/healthz')).to.equal(200);
    } finally {
      await restartApiServer(rig.cluster, 'gently');
    }
  }).timeout(120_000);

  it('MO-07: a certificate that is mounted is served, and a renewed one soon', async () => {
    const { rig } = use;
    const put = async (name: string) => {
      const { cert, key } = selfSigned(name, Date.now());
      await writeFile(join(folder, 'tls.crt'), cert);
      await writeFile(join(folder, 'tls.key'), key);
    };
    await put('first');
    await start(rig, `--metrics-cert-folder=${folder}`);
    expect((await get('/metrics')).name).to.equal('first');
    await put('second');
    await until(async () => expect((await get('/metrics')).name).to.equal('second'), 45_000, 1_000);
  }).timeout(120_000);
});
