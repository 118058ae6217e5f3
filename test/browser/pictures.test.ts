// SPDX-License-Identifier: Apache-2.0

// The pictures of docs/dashboard.md and README.md. BERTH_WRITE_IMAGES=1 writes them into docs/images; else they go
// where nothing is kept.

import { readFileSync, statSync } from 'node:fs';
import type { FakeApi } from '@berth/kube/testing';
import { expect } from 'chai';
import { picture, show, useBrowser } from './support/chromium.ts';
import { renewFor, sampleApi, sampleClock, shopOptions } from './support/sample-api.ts';
import { type Served, serve } from './support/served.ts';

const MOST_BYTES = 250_000;

interface Picture {
  readonly name: string;
  readonly hash: string;
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  /** Shown before the picture is taken. */
  readonly waitFor: string;
  readonly click?: string;
}

const PICTURES: readonly Picture[] = [
  { name: 'dashboard-now', hash: '#/now', waitFor: '.problem', height: 1_000 },
  {
    name: 'dashboard-vips',
    hash: '#/vips?group=node',
    waitFor: '.drawer .explanation h4',
    click: '.row:not(.group)',
    scheme: 'dark',
  },
  { name: 'dashboard-timeline', hash: '#/timeline?minutes=60', waitFor: '.chart canvas', height: 960 },
  { name: 'dashboard-what-if', hash: '#/what-if', waitFor: '.flows', click: '.fates li:nth-child(2) button.drain' },
  { name: 'dashboard-narrow', hash: '#/now', waitFor: '.problem', width: 400, height: 800 },
];

describe('pictures of the dashboard', function () {
  this.timeout(60_000);
  const browser = useBrowser();
  let api: FakeApi;
  let served: Served;

  beforeEach(async () => {
    api = await sampleApi(shopOptions());
    served = await serve({ api, clock: sampleClock() });
  });

  afterEach(() => served.interrupt());

  for (const { name, hash, waitFor, click, ...options } of PICTURES) {
    it(`DB-17: ${name} is drawn, and shown in docs/dashboard.md`, async () => {
      const page = await browser.page(served.address, options);
      await page.waitForSelector('.figure');
      // The chart shows what the command has seen since it runs.
      if (waitFor === '.chart canvas') await renewFor(api, 60);
      await show(page, hash);
      if (click !== undefined) {
        await page.waitForSelector(click);
        await page.click(click);
      }
      await page.waitForSelector(waitFor);
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      // Bars have grown by then.
      await new Promise((resolve) => setTimeout(resolve, 400));
      const path = await picture(page, name);
      expect(statSync(path).size).to.be.within(10_000, MOST_BYTES);
      expect(readFileSync('docs/dashboard.md', 'utf8')).to.include(`images/${name}.png`);
      expect(statSync(`docs/images/${name}.png`).size).to.be.within(10_000, MOST_BYTES);
    });
  }
});
