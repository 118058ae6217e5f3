// SPDX-License-Identifier: Apache-2.0

// The page as people use it, with and without a mouse, and as strangers would like to use it: a generated cluster
// behind an API in memory.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openPage } from '@berth/cli';
import { MacAddress } from '@berth/core';
import { SAMPLE_MS, sampleVip } from '@berth/core/testing';
import { KubeError } from '@berth/kube';
import type { FakeApi } from '@berth/kube/testing';
import { expect } from 'chai';
import type { Page } from 'puppeteer-core';
import { until } from '../contract/support/until.ts';
import { show, textOf, useBrowser } from './support/chromium.ts';
import { sampleApi, sampleClock, shopOptions, tell } from './support/sample-api.ts';
import { type Served, serve } from './support/served.ts';

const VIEWS = ['now', 'vips', 'timeline', 'what-if'] as const;

describe('dashboard in use', function () {
  this.timeout(60_000);
  const browser = useBrowser();
  let api: FakeApi;
  let served: Served;

  beforeEach(async () => {
    api = await sampleApi(shopOptions());
    served = await serve({ api, clock: sampleClock() });
  });

  afterEach(() => served.interrupt());

  it('DB-02: the address works once; the tab that opened it goes on after a reload', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    expect(page.url()).to.equal(`${served.origin}/#/now`);
    await page.reload();
    await page.waitForSelector('.figure');
    const second = await browser.page(served.address);
    await until(async () => expect(await textOf(second)).to.include('This address works once'));
  });

  it('DB-23: the file that is opened leads to the page, which spends the token', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-opener-'));
    writeFileSync(
      join(folder, 'xdg-open'),
      `#!/bin/sh\necho "$1" >${folder}/part; mv ${folder}/part ${folder}/opened\n`,
      {
        mode: 0o755,
      },
    );
    const env = { ...process.env, DISPLAY: ':0', PATH: `${folder}:${process.env.PATH}` };
    expect(await openPage(served.address, { platform: 'linux', env })).to.equal(true);
    const file = await until(async () => readFileSync(join(folder, 'opened'), 'utf8').trim());
    const page = await browser.page(`file://${file}`);
    await page.waitForSelector('.figure');
    expect(page.url()).to.equal(`${served.origin}/#/now`);
    rmSync(dirname(file), { recursive: true });
    rmSync(folder, { recursive: true });
  });

  it('DB-03, DB-04: another page gets nothing, by whatever means', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    const evil = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>evil</p>'));
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const other = await browser.page(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const got = await other.evaluate(async (origin) => {
      const tries: RequestInit[] = [{}, { mode: 'no-cors' }, { method: 'POST' }, { credentials: 'include' }];
      const read = async (path: string, how: RequestInit) => {
        try {
          return await (await fetch(origin + path, how)).text();
        } catch {
          return '';
        }
      };
      return Promise.all(['/', '/events', '/session'].flatMap((path) => tries.map((how) => read(path, how))));
    }, served.origin);
    expect(new Set(got)).to.deep.equal(new Set(['']));
    evil.close();
    for (const [method, host, status] of [
      ['GET', 'evil.example', 403],
      ['POST', undefined, 405],
      ['GET', undefined, 401],
    ] as const) {
      expect(await statusOf(`${served.origin}/events`, method, host), `${method} ${host}`).to.equal(status);
    }
  });

  it('DB-11: problems stand first, with the time, a runbook and a command', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.problem');
    const marks = await page.$$eval('.problem', (all) => all.map((one) => one.className.split(' ').at(-1)));
    expect(marks).to.deep.equal([...marks].sort((a, b) => rank(a) - rank(b)));
    expect(await textOf(page, '.problem'))
      .to.match(/Runbook/)
      .and.match(/kubectl berth/);
    await page.click('.problem button.quiet:not([aria-label^="Copy"])');
    const [first] = await page.$$eval('.problem-text', (all) => all.map((one) => one.textContent));
    expect(first).to.not.equal('');
    await until(async () => expect((await textOf(page, '[role=dialog] .prose')).length).to.be.above(20));
    await page.keyboard.press('Escape');
    expect(await page.$('[role=dialog]')).to.equal(null);
    const text = await textOf(page, 'main');
    expect(text)
      .to.match(/edge-1/)
      .and.match(/of \d+ free/)
      .and.match(/hear each other|does not hear/);
  });

  it('DB-16: a conflict that a node tells of appears, and ends when it does', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.problem');
    const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 0x42)) ?? MacAddress.ZERO;
    const conflict = {
      vip: sampleVip(0),
      interface: 'lan0',
      mac,
      sinceSeconds: SAMPLE_MS / 1000,
      kind: 'in-use',
    } as const;
    expect(await textOf(page, '.problems')).to.not.include('198.18.0.1 is used by');
    await tell(api, 'edge-1', { conflicts: [conflict] });
    await until(async () =>
      expect(await textOf(page, '.problems')).to.include('198.18.0.1 is used by 00:00:5e:00:53:42'),
    );
    await tell(api, 'edge-1', { conflicts: [] });
    await until(async () => expect(await textOf(page, '.problems')).to.not.include('198.18.0.1 is used by'));
  });

  it('DB-13: the timeline has owners, marks and lateness, also after a reload', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    for (const how of ['at first', 'after a reload']) {
      await show(page, '#/timeline?minutes=60');
      await page.waitForSelector('.lanes-card .row');
      const lanes = await page.$$eval('.lanes-card .row', (rows) =>
        rows.map((row) => row.querySelectorAll('.span').length),
      );
      expect(lanes.filter((spans) => spans > 1).length, how).to.equal(6);
      const titles = await page.$$eval('.mark-lane .lane-name', (all) => all.map((one) => one.textContent));
      expect(titles, how).to.deep.equal(['API outages', 'Conflicts', 'Speakers', 'Drains']);
      expect(await page.$$eval('.chart canvas', (all) => all.length), how).to.equal(1);
      expect(await textOf(page, '.timeline'), how)
        .to.include('edge-2 is drained')
        .and.include('the fence is at 150 ms');
      await page.reload();
      await page.waitForSelector('.top');
    }
  });

  it('DB-14: tells what a drain and a pool file would do, and writes nothing', async () => {
    const calledBefore = api.calls.length;
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    await show(page, '#/what-if');
    await page.click('button[aria-label="Drain: edge-2"]');
    await until(async () => {
      const text = await textOf(page, '.outlook');
      expect(text).to.include('kubectl berth drain edge-2').and.include('5 VIPs would move, 0 would stay dark');
    });
    expect(await page.$$eval('.moves .row', (rows) => rows.length)).to.equal(5);
    await page.type('textarea', 'kind: IPAddressPool');
    await until(async () => expect(await textOf(page, 'main')).to.match(/The pool file is refused.*pools\.yaml:1/));
    const writes = api.calls.slice(calledBefore).filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
    expect(writes).to.deep.equal([]);
  });

  it('DB-12: filters, groups and opens a VIP, which says what explain says', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    await show(page, '#/vips');
    await page.keyboard.press('/');
    await page.keyboard.type('namespace:shop');
    await until(async () => expect(await textOf(page, '.count')).to.match(/^\d+ of \d+ VIPs$/));
    await page.select('.select select', 'node');
    await page.waitForSelector('.row.group');
    await page.click('.row:not(.group)');
    await until(async () => {
      const text = await textOf(page, '.drawer');
      expect(text).to.include('Asks for: an address of IPv4.').and.include('is answered by').and.include('Decision:');
    });
  });

  it('DB-17: is used by the keyboard alone', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    await page.keyboard.press('2');
    await page.waitForSelector('.view-vips [role=grid]');
    await page.focus('[role=grid]');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.drawer');
    expect(await page.$eval('.row.open', (row) => row.getAttribute('aria-rowindex'))).to.equal('3');
    await page.keyboard.press('End');
    await until(async () =>
      expect(await page.$eval('.row.marked', (row) => row.getAttribute('aria-rowindex'))).to.equal(
        await page.$eval('[role=grid]', (grid) => grid.getAttribute('aria-rowcount')),
      ),
    );
    await page.keyboard.press('4');
    await page.waitForSelector('.view-what-if');
  });

  it('DB-17: everything that can be clicked or read has a name', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    for (const view of VIEWS) {
      await show(page, `#/${view}`);
      const tree = await page.accessibility.snapshot({ interestingOnly: true });
      const nameless: string[] = [];
      const look = (node: NonNullable<typeof tree>): void => {
        const needsName = ['button', 'link', 'textbox', 'searchbox', 'combobox', 'img', 'grid', 'dialog', 'navigation'];
        if (needsName.includes(node.role) && !node.name) nameless.push(node.role);
        for (const child of node.children ?? []) look(child);
      };
      if (tree) look(tree);
      expect(nameless, view).to.deep.equal([]);
    }
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`DB-17: fits 400 px and can be read, ${scheme}`, async () => {
      const page = await browser.page(served.address, { width: 400, height: 800, scheme });
      await page.waitForSelector('.figure');
      for (const view of VIEWS) {
        await show(page, `#/${view}`);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, view).to.be.at.most(0);
        expect(await faintTexts(page), view).to.deep.equal([]);
      }
    });
  }

  it('DB-08: says that the API server is gone and that the command has ended, and what is shown stays', async () => {
    const page = await browser.page(served.address);
    await page.waitForSelector('.figure');
    api.before = () => {
      throw new KubeError('network', 'connect ECONNREFUSED');
    };
    await until(async () =>
      expect(await textOf(page, '.stale'))
        .to.include('ECONNREFUSED')
        .and.match(/\d+ s ago/),
    );
    api.before = () => {};
    await until(async () => expect(await page.$('.stale')).to.equal(null));
    await served.interrupt();
    await until(async () => expect(await textOf(page, '.stale')).to.include('has ended'));
    expect(await page.$('.figure')).to.not.equal(null);
  });
});

function rank(mark: string | undefined): number {
  return ['critical', 'warning', 'info'].indexOf(mark ?? '');
}

function statusOf(url: string, method: string, host: string | undefined): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    request(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });
}

/** Texts whose contrast with what is behind them is less than WCAG 2 asks for (4.5, or 3 for large ones). */
function faintTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    // Colours come in any notation; what a canvas makes of them is red, green, blue and alpha.
    const rgba = (colour: string): readonly number[] => {
      if (canvas === null) return [];
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (colour: readonly number[]) => {
      const [red = 0, green = 0, blue = 0] = colour.map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element: Element | null): readonly number[] => {
      for (let one = element; one !== null; one = one.parentElement) {
        const colour = rgba(getComputedStyle(one).backgroundColor);
        if ((colour[3] ?? 0) > 250) return colour;
      }
      return [255, 255, 255, 255];
    };
    const faint: string[] = [];
    for (const element of document.querySelectorAll('main *, header *')) {
      const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
      if (!text || element.closest('.visually-hidden, svg, [aria-hidden=true]')) continue;
      const style = getComputedStyle(element);
      const [light = 0, dark = 0] = [luminance(rgba(style.color)), luminance(behind(element))].sort((a, b) => b - a);
      const isLarge = Number.parseFloat(style.fontSize) >= 24;
      if ((light + 0.05) / (dark + 0.05) < (isLarge ? 3 : 4.5))
        faint.push(`${element.className}: ${element.textContent}`);
    }
    return [...new Set(faint)];
  });
}
