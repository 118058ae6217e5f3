// SPDX-License-Identifier: Apache-2.0

// 2,000 VIPs on 50 nodes in a real browser: how soon they are seen, and how long a change of all owners takes.

import type { FakeApi } from '@berth/kube/testing';
import { expect } from 'chai';
import type { Page } from 'puppeteer-core';
import { until } from '../contract/support/until.ts';
import { show, useBrowser } from './support/chromium.ts';
import { passOn, sampleApi, sampleClock } from './support/sample-api.ts';
import { type Served, serve } from './support/served.ts';

const [VIPS, NODES] = [2_000, 50];
const FIRST_PAINT_MS = 1_000;
const UPDATE_MS = 100;
/** What is told is the best of so many: other work on the machine only ever makes it slower. */
const ROUNDS = 3;

interface Figures {
  /** From the begin of the navigation until the first message was painted. */
  readonly firstPaintMs: number;
  /** Of each later message. */
  readonly updatesMs: readonly number[];
}

describe('dashboard, 2,000 VIPs on 50 nodes', function () {
  this.timeout(60_000);
  const browser = useBrowser();
  let api: FakeApi;
  let served: Served;

  before(async () => {
    api = await sampleApi({ nodes: NODES, vips: VIPS });
    served = await serve({ api, clock: sampleClock() });
  });

  after(() => served.interrupt());

  it('DB-10: shows them within a second, and all owners changed within 100 ms, and nothing jumps', async () => {
    const page = await browser.page(served.address);
    const rounds: { readonly firstPaintMs: number; readonly updateMs: number; readonly shift: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await page.reload();
      await watchShifts(page);
      await page.waitForSelector('.figure');
      await until(async () => expect((await figures(page)).firstPaintMs).to.be.finite);
      const { firstPaintMs } = await figures(page);
      await show(page, '#/vips');
      await page.waitForSelector('.row .cell-owner');
      const updateMs = await changeOfAll(page, api);
      const shift = await page.evaluate(() => (window as unknown as { shift: number }).shift);
      rounds.push({ firstPaintMs, updateMs, shift });
      await page.evaluate(() => {
        location.hash = '#/now';
      });
    }
    const best = (values: readonly number[]) => Math.min(...values);
    const firstPaintMs = best(rounds.map((round) => round.firstPaintMs));
    const updateMs = best(rounds.map((round) => round.updateMs));
    console.log(
      `      first paint ${firstPaintMs.toFixed(0)} ms, 2,000 owners ${updateMs.toFixed(0)} ms, the best of ${ROUNDS}`,
    );
    expect(rounds.map(({ shift }) => shift)).to.deep.equal(rounds.map(() => 0));
    expect(firstPaintMs).to.be.below(FIRST_PAINT_MS);
    expect(updateMs).to.be.below(UPDATE_MS);
  });
});

/** Gives each VIP another owner; how long the page took to show that, at most, in milliseconds. */
async function changeOfAll(page: Page, api: FakeApi): Promise<number> {
  const before = await ownersInSight(page);
  const count = (await figures(page)).updatesMs.length;
  await passOn(api);
  await until(async () => expect(await ownersInSight(page)).to.not.deep.equal(before));
  await until(async () => expect((await figures(page)).updatesMs.length).to.be.above(count));
  return Math.max(...(await figures(page)).updatesMs.slice(count));
}

/** Sums up the layout shifts of the page from now on, and those before. */
function watchShifts(page: Page): Promise<void> {
  return page.evaluate(() => {
    const counted = window as unknown as { shift: number };
    counted.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) counted.shift += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift' as 'mark', buffered: true });
  });
}

function figures(page: Page): Promise<Figures> {
  return page.evaluate(() => {
    const [first, ...more] = performance.getEntriesByName('berth-update');
    const updatesMs = more.map(({ duration }) => duration);
    return { firstPaintMs: first ? first.startTime + first.duration : Number.POSITIVE_INFINITY, updatesMs };
  });
}

function ownersInSight(page: Page): Promise<string[]> {
  return page.$$eval('.row', (rows) =>
    rows
      .map((row) => `${row.querySelector('.cell-vip')?.textContent} ${row.querySelector('.cell-owner')?.textContent}`)
      .sort(),
  );
}
