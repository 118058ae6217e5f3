// SPDX-License-Identifier: Apache-2.0

// Debian's Chromium, driven over the DevTools protocol. It loads nothing from elsewhere: pages come from 127.0.0.1
// alone.

import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

export type Scheme = 'light' | 'dark';

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: Scheme;
}

/** Where pictures go: into docs/images when somebody asks for that, else where nothing is kept. */
export const IMAGE_FOLDER = process.env.BERTH_WRITE_IMAGES === undefined ? 'build/browser' : 'docs/images';

/**
 * A browser for one test file: started before its first test, closed after its last. Pages are closed after each test,
 * unless they are kept.
 */
export function useBrowser({ keepsPages = false } = {}): {
  page(address: string, options?: PageOptions): Promise<Page>;
} {
  let browser: Browser | undefined;
  const problems: string[] = [];
  before(async function () {
    this.timeout(60_000);
    browser = await puppeteer.launch({
      executablePath: chromium(),
      // The tests run as root, and in containers without a GPU and with little /dev/shm.
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb', '--lang=en-GB'],
      env: { ...process.env, TZ: 'UTC' },
    });
  });
  afterEach(async () => {
    const [, ...pages] = (await browser?.pages()) ?? [];
    if (!keepsPages) for (const page of pages) await page.close();
    const found = problems.splice(0);
    if (found.length > 0) throw new Error(`browser: the page said: ${found.join('; ')}`);
  });
  after(() => browser?.close());
  return {
    page: async (address, { width = 1280, height = 860, scheme = 'light' } = {}) => {
      if (browser === undefined) throw new Error('browser: asked for a page before it was started');
      const page = await browser.newPage();
      page.on('pageerror', (error) => problems.push(error instanceof Error ? error.message : String(error)));
      page.on('console', (message) => {
        // A page that breaks its own Content-Security-Policy says so here.
        if (message.type() === 'error' && !/Failed to load resource|ERR_|blocked by CORS policy/.test(message.text()))
          problems.push(message.text());
      });
      await page.setViewport({ width, height });
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await page.goto(address, { waitUntil: 'domcontentloaded' });
      return page;
    },
  };
}

/** Takes a picture of what is in sight. Returns its path. */
export async function picture(page: Page, name: string): Promise<string> {
  mkdirSync(IMAGE_FOLDER, { recursive: true });
  const path = join(IMAGE_FOLDER, `${name}.png`) as `${string}.png`;
  await page.screenshot({ path, optimizeForSpeed: false });
  return path;
}

/** Shows a view of the page and waits until it is drawn. */
export async function show(page: Page, hash: string): Promise<void> {
  await page.evaluate((next) => {
    location.hash = next;
  }, hash);
  const view = /^#\/([a-z-]+)/.exec(hash)?.[1] ?? 'now';
  await page.waitForSelector(`main.view-${view} h1`);
}

/** The text of the page, with blanks as one each. */
export async function textOf(page: Page, selector = 'body'): Promise<string> {
  const text = await page.$eval(selector, (element) => (element as HTMLElement).innerText);
  return text.replaceAll(/\s+/g, ' ');
}

function chromium(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, 'chromium')).find((path) => existsSync(path));
  if (found === undefined)
    throw new Error('browser: chromium: not on the PATH; npm run setup -- --lab installs it as root');
  return found;
}
