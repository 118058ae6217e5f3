// SPDX-License-Identifier: Apache-2.0

// What is built runs where README says: kubectl-berth with every Node that this machine has, far from the project's
// package.json.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  DEFAULT_LOAD_BALANCER_CLASS,
  encodeNodeState,
  IpAddress,
  MacAddress,
  NODE_STATE_ANNOTATION,
  NODE_STATE_LABEL,
  usageCondition,
} from '@berth/core';
import { IDLE_NODE_STATE } from '@berth/core/testing';
import { expect } from 'chai';
import { bundleCommand } from './bundle.ts';

const VIP = IpAddress.of('IPv4', 0xc0000207n);

/** All of it is read at each start, in bytes. With the generated clients of all APIs it would be four times as much. */
const LARGEST = 1_200_000;

/** Node's that are found on the PATH and where Debian puts it, one for each version, oldest first. */
function installedNodes(): { readonly path: string; readonly version: string }[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  const paths = [...new Set(folders.map((folder) => join(folder, 'node')))].filter((path) => existsSync(path));
  const versions = new Map(paths.map((path) => [execFileSync(path, ['--version'], { encoding: 'utf8' }).trim(), path]));
  return [...versions].map(([version, path]) => ({ path, version })).sort((a, b) => (a.version < b.version ? -1 : 1));
}

const service = {
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'u',
    resourceVersion: '5',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], ports: [{ port: 80, protocol: 'TCP' }] },
  status: {
    loadBalancer: { ingress: [{ ip: String(VIP) }] },
    conditions: [usageCondition({ loadBalancerClass: DEFAULT_LOAD_BALANCER_CLASS, given: [VIP], used: [VIP] })],
  },
};

const nodeState = {
  ...IDLE_NODE_STATE,
  segments: [{ interface: 'lan0', mac: MacAddress.ZERO, phase: 'active' as const, members: [] }],
  owned: [{ vip: VIP, interface: 'lan0', term: 1, sinceSeconds: 0, why: 'new' as const }],
};

/** Renewed just now, whenever it is asked for: other suites may have run for minutes. */
const lease = () => ({
  metadata: {
    ...{ name: 'node-edge-1', namespace: 'berth-system', labels: { [NODE_STATE_LABEL]: 'edge-1' } },
    annotations: { [NODE_STATE_ANNOTATION]: encodeNodeState(nodeState) },
  },
  spec: { holderIdentity: 'edge-1', leaseDurationSeconds: 40, renewTime: new Date().toISOString() },
});

const POOL =
  '{apiVersion: berth.dev/v1, kind: IPAddressPool, metadata: {name: lan}, spec: {addresses: [192.0.2.0/28]}}';

const configMaps = [
  {
    metadata: { name: 'ip-address-pools', namespace: 'berth-system', resourceVersion: '1' },
    data: { 'pools.yaml': POOL },
  },
  {
    metadata: { name: 'ledger', namespace: 'berth-system', resourceVersion: '2' },
    data: { [String(VIP)]: '{"pool":"lan","services":[{"name":"shop/web"}]}' },
  },
];

/** What a small cluster answers to a GET; undefined: it is not there. */
function answerTo(path: string): unknown {
  const lists: Readonly<Record<string, readonly object[]>> = {
    services: [service],
    leases: [lease()],
    configmaps: configMaps,
    nodes: [{ metadata: { name: 'edge-1' } }, { metadata: { name: 'edge-2' } }],
    namespaces: [{ metadata: { name: 'shop' } }],
    endpointslices: [],
  };
  const parts =
    path
      .split('?')[0]
      ?.split('/')
      .filter((part) => part !== '') ?? [];
  const items = lists[parts.at(-1) ?? ''];
  if (items !== undefined) return { items, metadata: { resourceVersion: '9' } };
  const named = lists[parts.at(-2) ?? '']?.find((one) => JSON.stringify(one).includes(`"name":"${parts.at(-1)}"`));
  return named;
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('kubectl-berth as it is built', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bundle-'));
  const file = join(folder, 'kubectl-berth');
  const seen: IncomingMessage[] = [];
  let server: Server;
  let status = 200;

  before(async () => {
    await bundleCommand(file);
    server = createServer((request, response) => {
      seen.push(request);
      const answer = request.method === 'GET' ? answerTo(request.url ?? '') : {};
      response.statusCode = status === 200 && answer === undefined ? 404 : status;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(status === 200 ? (answer ?? {}) : { message: 'no\n rights', reason: 'Forbidden' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeFileSync(join(folder, 'config'), kubeconfig((server.address() as AddressInfo).port));
    writeFileSync(join(folder, 'pools.yaml'), POOL);
  });

  beforeEach(() => {
    status = 200;
    seen.length = 0;
  });

  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  // No token and no certificate: the answers are canned.
  function kubeconfig(port: number): string {
    const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
    return JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a' },
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'a', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    });
  }

  function run(node: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const env = { PATH: '/usr/bin:/bin', HOME: folder, KUBECONFIG: join(folder, 'config'), ...more };
    return new Promise((resolve) => {
      const child = execFile(node, [file, ...args], { env, cwd: folder }, (_, out, err) =>
        resolve({ code: child.exitCode ?? -1, out, err }),
      );
    });
  }

  const nodes = installedNodes();
  const commands: { args: string; code: number; says: RegExp }[] = [
    { args: 'lint pools.yaml', code: 0, says: /1 pool, no errors/ },
    { args: 'status', code: 1, says: /edge-1 +lan0 +active/ },
    { args: 'pools', code: 0, says: /lan +IPv4 +16 +1/ },
    { args: 'preview pools.yaml', code: 0, says: /Nothing changes for 1 of 1 Service/ },
    { args: 'explain web', code: 0, says: /shop\/web/ },
    { args: 'check --timeout 0', code: 0, says: /^/ },
    { args: 'move 192.0.2.7 edge-2 --timeout 0', code: 1, says: /edge-2/ },
    { args: 'rebalance --timeout 0', code: 0, says: /^/ },
    { args: 'drain edge-1 --timeout 0', code: 1, says: /192\.0\.2\.7/ },
    { args: 'undrain edge-2 --timeout 0', code: 0, says: /^/ },
    { args: 'rotate-key --timeout 0', code: 1, says: /heartbeat/ },
    { args: 'pool release 192.0.2.9', code: 1, says: /192\.0\.2\.9/ },
    { args: 'renumber web --timeout 0', code: 0, says: /^/ },
    { args: 'uninstall --dry-run', code: 0, says: /shop\/web/ },
  ];
  for (const { path, version } of nodes) {
    for (const { args, code, says } of commands) {
      it(`CF-20: ${version} (${path}) runs ${args}`, async () => {
        const result = await run(path, args.split(' '));
        expect(result.err + result.out).to.match(says);
        expect(result.err + result.out).to.not.match(/TypeError|ReferenceError|undefined/);
        expect({ args, code: result.code }).to.deep.equal({ args, code });
      });
    }
  }

  it('CF-20: is small enough to start at once', () => {
    expect(statSync(file).size).to.be.below(LARGEST);
  });

  if (!nodes.some(({ version }) => version.startsWith('v20.')))
    it.skip('CF-20: Node 20 is not on this machine: put it on the PATH');

  const [oldest = { path: process.execPath }] = nodes;

  it('CF-21: looks at KUBECONFIG before the credentials of a pod', async () => {
    const pod = { KUBERNETES_SERVICE_HOST: '192.0.2.99', KUBERNETES_SERVICE_PORT: '443' };
    expect((await run(oldest.path, ['pools'], pod)).code).to.equal(0);
    expect(seen[0]?.headers.authorization).to.equal('Bearer t');
  });

  it('CF-22: acts as another user', async () => {
    await run(oldest.path, ['pools', '--as', 'jane']);
    expect(seen.map(({ headers }) => headers['impersonate-user']))
      .to.include('jane')
      .and.not.include(undefined);
  });

  it('CF-23: answers a 403 in one line with the roles to bind', async () => {
    status = 403;
    const { code, err, out } = await run(oldest.path, ['status', '--berth-namespace', 'lb']);
    expect({ code, out }).to.deep.equal({ code: 1, out: '' });
    expect(err.trimEnd().split('\n')).to.have.length(1);
    expect(err).to.include('--clusterrole=berth-operator').and.include('-n lb create rolebinding');
  });
});
