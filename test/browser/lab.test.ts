// SPDX-License-Identifier: Apache-2.0

// The page beside real speakers on a real LAN: what happens there is seen there, and what it foretells comes true.

import { expect } from 'chai';
import type { Page } from 'puppeteer-core';
import { until } from '../contract/support/until.ts';
import { LanFaults } from '../support/lan-faults.ts';
import { useLab } from './support/browser-lab.ts';
import { show, textOf, useBrowser } from './support/chromium.ts';

/** From the death of an owner until the page names the next one. */
const SEEN_WITHIN_MS = 1_000;
const SERVICES = 6;
const LONG_MS = 40_000;
/** A stranger that is not heard for a minute is gone. */
const QUIET_MS = 75_000;

describe('dashboard beside the lab', function () {
  this.timeout(120_000);
  const lab = useLab();
  const browser = useBrowser({ keepsPages: true });
  let page: Page;
  let vips: string[];
  let contested: string | undefined;

  before(async () => {
    await lab.pools(SERVICES + 2);
    vips = [];
    for (let index = 0; index < SERVICES; index++) vips.push(await lab.service(`web-${index}`));
    await lab.speakers.owners(vips);
    page = await browser.page(lab.served.address);
  });

  beforeEach(() => show(page, '#/now'));

  it('DB-14: the drain that is foretold is the drain that happens', async () => {
    const { speakers } = lab;
    await show(page, '#/vips');
    const before = await ownersOnPage(page, vips);
    const node = [...before.values()][0] ?? '';
    await show(page, '#/what-if');
    await page.click(`button[aria-label="Drain: ${node}"]`);
    const due = [...before].filter(([, owner]) => owner === node).map(([vip]) => vip);
    const foretold = await until(async () => {
      const rows = await page.$$eval('.moves .row', (all) =>
        all.map((row) => [
          row.querySelector('.cell-vip')?.textContent?.trim() ?? '',
          row.querySelector('.cell-owner')?.textContent?.split('→').at(-1)?.trim() ?? '',
        ]),
      );
      expect(rows.map(([vip]) => vip)).to.have.members(due);
      return new Map(rows as [string, string][]);
    });
    const command = await page.$eval('.commands code', (code) => code.textContent ?? '');
    expect(command).to.match(new RegExp(` drain ${node}$`));
    expect(await lab.berth(`drain ${node}`)).to.include(`${node} is drained`);
    await show(page, '#/vips');
    await until(async () => {
      const after = await ownersOnPage(page, vips);
      for (const vip of vips) expect(after.get(vip), vip).to.equal(foretold.get(vip) ?? before.get(vip));
    });
    const owners = await speakers.owners(vips);
    for (const [vip, to] of foretold) expect(owners.get(vip), vip).to.equal(to);
    await lab.berth(`undrain ${node}`);
    await show(page, '#/what-if');
    await page.click(`button[aria-label="Stays: ${node}"]`);
  });

  it('DB-15: names the next owner within a second of the death of the one before', async () => {
    const { speakers } = lab;
    await show(page, '#/vips');
    const [[vip = '', owner = ''] = []] = await ownersOnPage(page, vips);
    const atMs = performance.now();
    speakers.host(owner).signal('SIGKILL');
    await page.waitForFunction(
      (address, gone) => {
        const all = [...document.querySelectorAll('.row')];
        const row = all.find((one) => one.querySelector('.cell-vip')?.textContent === address);
        const text = row?.querySelector('.cell-owner')?.textContent ?? gone;
        return text !== gone && text !== 'no one';
      },
      { polling: 'mutation', timeout: 20_000 },
      ...[vip, owner],
    );
    const tookMs = performance.now() - atMs;
    console.log(`      seen ${tookMs.toFixed(0)} ms after the death`);
    expect(tookMs).to.be.below(SEEN_WITHIN_MS);
    speakers.host(owner).start();
    await speakers.whole();
  });

  it('DB-16, DB-18: a stranger: a problem appears, with its MAC address, the runbook and a command', async () => {
    [contested] = vips;
    const claims = lab.stranger(contested ?? '');
    await seenOnNow(page, new RegExp(`${contested?.replaceAll('.', '\\.')} is used by [0-9a-f:]{17}`));
    const text = await textOf(page, '.problems');
    expect(text).to.include('kubectl berth').and.include('Runbook');
    await claims.stop();
  });

  it('DB-18: a one-way cable: both nodes and the direction are named, and the matrix is red', async () => {
    const faults = new LanFaults(lab.speakers.lab.name);
    await faults.oneWay('edge-2', 'edge-3');
    await seenOnNow(
      page,
      /edge-2: hears edge-3 on eth0, but edge-3 does not hear edge-2|heartbeats of edge-2 are lost/,
    );
    expect(await page.$$eval('.cell.one-way, .cell.deaf, .cell.lost', (cells) => cells.length)).to.be.above(0);
    await faults.heal();
    faults.close();
    await goneFromNow(page, 'does not hear edge-2');
  });

  it('DB-18: a full pool: the pool is named, and the Service that waits', async () => {
    await lab.pools(SERVICES);
    await lab.waitingService('unserved');
    await seenOnNow(page, /pool lan has no free IPv4 address/);
    const text = await textOf(page, 'main');
    expect(text)
      .to.match(/0 of 6 free/)
      .and.match(/unserved has no address: OutOfAddresses/);
    await lab.deleteService('unserved');
    await lab.pools(SERVICES + 2);
    await goneFromNow(page, 'unserved');
  });

  it('DB-18: a refused configuration: what was found, what was wanted, and where', async () => {
    await lab.speakers.write(
      'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: {name: lan}\nspec: {addresses: [300.0.0.1/24]}\n',
    );
    await seenOnNow(page, /300\.0\.0\.1/);
    const text = await textOf(page, 'main');
    expect(text)
      .to.include('ip-address-pools')
      .and.match(/pools\.yaml/);
    await lab.pools(SERVICES + 2);
    await goneFromNow(page, '300.0.0.1');
  });

  it('DB-18, DB-13: a flapping node: it is named, and the timeline shows its VIPs to and fro, also after a reload', async () => {
    const { speakers } = lab;
    const host = speakers.host('edge-3');
    const [vip = ''] = vips;
    for (let times = 0; times < 4; times++) {
      // It has to own something to lose it. A node that just came is known to all a moment later.
      await until(() => lab.berth(`move ${vip} edge-3`), LONG_MS);
      host.signal('SIGKILL');
      await until(async () => expect((await speakers.owners(vips)).get(vip)).to.not.equal('edge-3'), LONG_MS);
      host.start();
      await speakers.whole();
    }
    await seenOnNow(page, /moved \d+ times.*edge-3/);
    await page.reload();
    await page.waitForSelector('.figure');
    await show(page, '#/timeline');
    await page.waitForSelector('.lanes-card .row');
    const spans = await page.$$eval('.lanes-card .row', (rows) =>
      rows.map((row) => row.querySelectorAll('.span').length),
    );
    expect(Math.max(...spans)).to.be.above(3);
    expect(await textOf(page, '.timeline')).to.include('edge-3');
  });

  it('DB-08: says that the API server is gone, with the age, and goes on by itself', async () => {
    const { lab: cluster } = lab.speakers;
    await cluster.stopApiServer('crash');
    await until(
      async () => expect(await textOf(page, '.stale')).to.match(/What you see is as of .*, \d+ s ago/),
      LONG_MS,
    );
    await cluster.startApiServer();
    await until(async () => expect(await page.$('.stale')).to.equal(null), LONG_MS);
    expect(await textOf(page, '.live')).to.equal('Live');
  });

  it('DB-16: the problem ends a minute after the stranger was heard last', async () => {
    expect(contested).to.not.equal(undefined);
    await goneFromNow(page, `${contested} is used by`, QUIET_MS);
    await show(page, '#/timeline');
    expect(await textOf(page, '.timeline')).to.include(`${contested} is used by`);
  });
});

/** Waits until the view Now says this. */
function seenOnNow(page: Page, pattern: RegExp): Promise<unknown> {
  return until(async () => expect(await textOf(page, 'main')).to.match(pattern), LONG_MS, 100);
}

function goneFromNow(page: Page, text: string, timeoutMs = LONG_MS): Promise<unknown> {
  return until(async () => expect(await textOf(page, '.problems')).to.not.include(text), timeoutMs, 100);
}

/** Who answers for these VIPs, as the page shows it. */
async function ownersOnPage(page: Page, vips: readonly string[]): Promise<Map<string, string>> {
  return until(async () => {
    const rows = await page.$$eval('.row', (all) =>
      all.map((row) => [
        row.querySelector('.cell-vip')?.textContent?.trim() ?? '',
        row.querySelector('.cell-owner')?.textContent?.trim() ?? '',
      ]),
    );
    const owners = new Map((rows as [string, string][]).filter(([vip]) => vips.includes(vip)));
    expect([...owners.keys()].sort()).to.deep.equal([...vips].sort());
    expect([...owners.values()]).to.not.include('no one');
    return owners;
  }, LONG_MS);
}
