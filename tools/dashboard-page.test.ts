// SPDX-License-Identifier: Apache-2.0

// The page of the dashboard as it travels in the built plug-in: small, whole, and served by every Node that the plug-in
// runs on.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pageFiles } from '@berth/dashboard';
import { expect } from 'chai';
import { bundleCommand } from './bundle.ts';

const MOST_BYTES = 100_000;

/** Oldest first. */
function nodes(): { readonly path: string; readonly version: string }[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  const paths = [...new Set(folders.map((folder) => join(folder, 'node')))].filter((path) => existsSync(path));
  const versions = new Map(paths.map((path) => [execFileSync(path, ['--version'], { encoding: 'utf8' }).trim(), path]));
  return [...versions].map(([version, path]) => ({ path, version })).sort((a, b) => (a.version < b.version ? -1 : 1));
}

describe('the page of the dashboard', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-page-'));
  const plugIn = join(folder, 'kubectl-berth');
  let api: Server;
  let child: ChildProcess | undefined;

  before(async function () {
    this.timeout(60_000);
    await bundleCommand(plugIn);
    // An empty cluster: lists are empty, and watches are silent.
    api = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url?.includes('watch=1')) response.flushHeaders();
      else response.end(JSON.stringify({ items: [], metadata: { resourceVersion: '9' } }));
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    writeFileSync(join(folder, 'config'), kubeconfig((api.address() as AddressInfo).port));
  });

  afterEach(() => child?.kill('SIGKILL'));

  after(() => {
    api.closeAllConnections();
    api.close();
    rmSync(folder, { recursive: true });
  });

  function kubeconfig(port: number): string {
    return JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a' },
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
    });
  }

  /** Starts the plug-in far from the repository; resolves with the address that it prints. */
  async function start(node: string): Promise<string> {
    const env = { PATH: '/usr/bin:/bin', HOME: folder, KUBECONFIG: join(folder, 'config') };
    child = spawn(node, [plugIn, 'dashboard', '--no-open'], { env, cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('no output');
    for await (const line of createInterface({ input: child.stdout })) return line;
    throw new Error('ended without an address');
  }

  it('DB-06: has less than 100 kB, compressed', async () => {
    const sizes = [...(await pageFiles())].map(([path, { gzip }]) => [path, gzip.length] as const);
    const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
    expect(total, JSON.stringify(Object.fromEntries(sizes))).to.be.within(10_000, MOST_BYTES);
  });

  it('DB-06: names no other host that anything could be loaded from', async () => {
    for (const [path, file] of await pageFiles()) {
      if (path.endsWith('.md')) continue;
      // Names of namespaces are no addresses, and nothing is loaded from them.
      const text = file.text().replaceAll(/http:\/\/www\.w3\.org\/[\w/]+/g, '');
      expect(text.match(/\bhttps?:\/\/[\w.-]+|\burl\(\s*['"]?(?!data:)[^)]+\)/g), path).to.equal(null);
    }
  });

  for (const { path: node, version } of nodes()) {
    it(`DB-06: is part of the plug-in, and served by ${version}`, async () => {
      const address = await start(node);
      const { origin, hash } = new URL(address);
      for (const [path, file] of await pageFiles()) {
        const response = await fetch(`${origin}${path}`);
        expect(response.status, path).to.equal(200);
        expect(await response.text(), path).to.equal(file.text());
      }
      const headers = { authorization: `Bearer ${hash.slice(1)}` };
      const { session } = (await (await fetch(`${origin}/session`, { headers })).json()) as { session: string };
      const events = await fetch(`${origin}/events`, { headers: { authorization: `Bearer ${session}` } });
      const { value } = (await events.body?.getReader().read()) ?? {};
      expect(new TextDecoder().decode(value)).to.match(/^data: {"kind":"everything"/);
      const ended = new Promise((resolve) => child?.once('exit', (code) => resolve(code)));
      child?.kill('SIGINT');
      expect(await ended).to.equal(0);
    });
  }
});
