// SPDX-License-Identifier: Apache-2.0

// Five faults, each in a cluster that is otherwise well: what the first view says of each, without a click, and where
// one click leads.

import {
  EMPTY_HISTORY,
  encodeHistory,
  HISTORY_KEY,
  HISTORY_LABEL,
  HISTORY_MAP,
  MacAddress,
  type MoveRecord,
} from '@berth/core';
import { poolDocuments, SAMPLE_MS, type SampleOptions, sampleVip } from '@berth/core/testing';
import { expect } from 'chai';
import { until } from '../contract/support/until.ts';
import { show, textOf, useBrowser } from './support/chromium.ts';
import { sampleApi, sampleClock } from './support/sample-api.ts';
import { serve } from './support/served.ts';

const STRANGER = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 0x99)) ?? MacAddress.ZERO;
const SEGMENT = { interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', answer: 'engine' } as const;
const VIP = sampleVip(1);

interface Cause {
  readonly name: string;
  readonly cluster: SampleOptions;
  /** What the first view says, each of it. */
  readonly says: readonly RegExp[];
  /** The command that stands there. */
  readonly command: RegExp;
  /** Where one click leads, and what stands there. */
  readonly next?: { readonly hash: string; readonly says: RegExp };
}

function historyOf(moves: readonly MoveRecord[]) {
  const text = encodeHistory({ ...EMPTY_HISTORY, moves });
  const metadata = { name: HISTORY_MAP, namespace: 'berth-system', labels: HISTORY_LABEL };
  return { metadata, data: { [HISTORY_KEY]: text } };
}

/** The VIP goes from edge-2 to others and back, four times in eight minutes. */
function toAndFro(): MoveRecord[] {
  return Array.from({ length: 8 }, (_, index): MoveRecord => {
    const isLost = index % 2 === 0;
    const [from, to] = isLost ? ['edge-2', 'edge-3'] : ['edge-3', 'edge-2'];
    const why = isLost ? 'silent' : 'order';
    const common = { vip: String(VIP), interface: 'lan0', services: ['ns-0/s-1'], unansweredMs: isLost ? 230 : 0 };
    return { atMs: SAMPLE_MS - (9 - index) * 60_000, from, to, why, ...common };
  });
}

const CAUSES: readonly Cause[] = [
  {
    name: 'a one-way cable',
    cluster: {
      states: {
        'edge-2': {
          segments: [
            {
              ...SEGMENT,
              members: [
                { node: 'edge-1', hearing: 'both' },
                { node: 'edge-3', hearing: 'one-way' },
              ],
            },
          ],
        },
      },
    },
    says: [/edge-2: hears edge-3 on lan0, but edge-3 does not hear edge-2/],
    command: /kubectl berth check/,
  },
  {
    name: 'a stranger',
    cluster: {
      states: {
        'edge-2': {
          conflicts: [
            { vip: VIP, interface: 'lan0', mac: STRANGER, sinceSeconds: SAMPLE_MS / 1000 - 60, kind: 'in-use' },
          ],
        },
      },
    },
    says: [/198\.18\.0\.2 is used by 00:00:5e:00:53:99 on lan0/],
    command: /kubectl berth check 198\.18\.0\.2/,
  },
  {
    name: 'a full pool',
    cluster: { vips: 4, pools: poolDocuments({ lan: { addresses: [`${sampleVip(0)}-${sampleVip(3)}`] } }) },
    says: [/pool lan has no free IPv4 address: 4 of 4 are used/, /0 of 4 free/],
    command: /kubectl/,
  },
  {
    name: 'a flapping node',
    cluster: { configMaps: [historyOf(toAndFro())] },
    says: [/198\.18\.0\.2 moved 4 times in 15 min.*edge-2/],
    command: /kubectl berth drain edge-2/,
    next: { hash: '#/timeline?minutes=15', says: /edge-3 answers for 198\.18\.0\.2: edge-2/ },
  },
  {
    name: 'a refused configuration',
    cluster: {
      pools:
        'apiVersion: berth.dev/v1\nkind: IPAddressPool\nmetadata: {name: lan}\nspec: {addresses: [300.0.0.1/24]}\n',
    },
    says: [/300\.0\.0\.1\/24/, /pools\.yaml:4/, /ConfigMap ip-address-pools is refused/],
    command: /kubectl/,
  },
];

describe('dashboard, causes', function () {
  this.timeout(60_000);
  const browser = useBrowser();

  for (const { name, cluster, says, command, next } of CAUSES) {
    it(`DB-18: ${name} is named on the first view, with a command`, async () => {
      const served = await serve({ api: await sampleApi(cluster), clock: sampleClock() });
      try {
        const page = await browser.page(served.address);
        await page.waitForSelector('.problem');
        const text = await textOf(page, 'main');
        for (const pattern of says) expect(text).to.match(pattern);
        const commands = await page.$$eval('.problem .command code', (all) => all.map((one) => one.textContent));
        expect(commands.join('\n')).to.match(command);
        if (next === undefined) return;
        await show(page, next.hash);
        await until(async () => expect(await textOf(page, '.timeline')).to.match(next.says));
      } finally {
        await served.interrupt();
      }
    });
  }
});
