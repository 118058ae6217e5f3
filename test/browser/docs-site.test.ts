// SPDX-License-Identifier: Apache-2.0

// The site that `npm run docs` makes, opened as a person would: from a web server that knows nothing but files.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { expect } from 'chai';
import { run } from '../lab/run.ts';
import { useBrowser } from './support/chromium.ts';

const BUILD_TIMEOUT_MS = 180_000;

const KINDS: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Serves a folder; `/page` is page.html, as web servers for such sites do. */
function serve(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const candidates = [path, `${path}.html`, join(path, 'index.html')].map((one) => join(folder, one));
    const file = candidates.find((one) => statSync(one, { throwIfNoEntry: false })?.isFile());
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': KINDS[extname(file)] ?? 'text/plain' }).end(readFileSync(file));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

describe('the site of the documentation', () => {
  const browser = useBrowser();
  let folder: string;
  let server: Server;
  let address: string;

  before(async function build() {
    this.timeout(BUILD_TIMEOUT_MS);
    folder = mkdtempSync(join(tmpdir(), 'berth-docs-'));
    // A link to a page that is not there ends the build with an error.
    await run(['vitepress', 'build', 'docs', '--outDir', folder]);
    server = await serve(folder);
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('opens, and leads to how it is installed', async () => {
    const page = await browser.page(`${address}/`);
    await page.waitForSelector('a.VPButton[href="/install/"]');
    await page.click('a.VPButton[href="/install/"]');
    await page.waitForFunction(() => document.querySelector('h1')?.textContent?.startsWith('Installing'));
  });

  it('follows a link to a heading, as forges name it', async () => {
    const page = await browser.page(`${address}/troubleshooting`);
    const link = await page.waitForSelector('a[href$="failover#a-segment-that-is-split"]');
    await link?.click();
    await page.waitForFunction(() => document.getElementById('a-segment-that-is-split') !== null);
  });

  it('finds a page by a word in it, without asking anybody else', async () => {
    const page = await browser.page(`${address}/`);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    await page.waitForSelector('.DocSearch-Button');
    await page.click('.DocSearch-Button');
    await page.waitForSelector('.search-input');
    await page.type('.search-input', 'strictARP');
    await page.waitForSelector('.results .result');
    const titles = await page.$$eval('.results .result', (found) => found.map((one) => one.getAttribute('href') ?? ''));
    expect(titles.some((one) => one.startsWith('/layer2'))).to.equal(true);
    expect([...new Set(asked)].filter((origin) => origin !== address && !origin.startsWith('null'))).to.deep.equal([]);
  });
});
