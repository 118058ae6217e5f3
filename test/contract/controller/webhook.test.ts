// SPDX-License-Identifier: Apache-2.0

// A real webhook that stands between Berth and the statuses of some Services. Those of all others must not notice.

import { expect } from 'chai';
import { ipsOf, type Rig, useRig } from '../support/rig.ts';
import { until } from '../support/until.ts';
import { GUARDED, Webhook, type WebhookMode } from '../support/webhook.ts';

const RANGE = { lan: { addresses: ['198.18.0.0/16'] } };
const TIMEOUT_SECONDS = 10;
/** How long it takes to serve all after the repair, at most: calls under way end when the API server gives up. */
const REPAIR_MS = 10_000 + TIMEOUT_SECONDS * 1_000;
const GUARDED_COUNT = Number(process.env.BERTH_GUARDED_SERVICES ?? 60);

const metric = async (text: Promise<string>, pattern: RegExp) => Number(pattern.exec(await text)?.[1] ?? 0);

/** Milliseconds until a Service that is made now has its address. */
async function timeToAddress(rig: Rig, name: string, namespace: string): Promise<number> {
  const startMs = performance.now();
  await rig.service(name, { namespace });
  await until(async () => expect(ipsOf(await rig.get(name, namespace)), name).to.have.length(1), 60_000);
  return performance.now() - startMs;
}

describe('statuses that a webhook guards', () => {
  const use = useRig();
  let webhook: Webhook | undefined;

  afterEach(async () => {
    await webhook?.stop();
    webhook = undefined;
  });

  for (const { mode, what } of [
    { mode: 'refuse', what: 'refuses' },
    { mode: 'hang', what: 'does not answer within ten seconds' },
    { mode: 'down', what: 'is not there, with failurePolicy Fail' },
  ] satisfies { mode: WebhookMode; what: string }[])
    it(`ER-01, ER-02: one that ${what}: others are served meanwhile, its own within ten seconds after`, async () => {
      const { rig } = use;
      const guarded = Array.from({ length: GUARDED_COUNT }, (_, index) => `guarded-${index}`);
      webhook = await Webhook.start(rig, { timeoutSeconds: TIMEOUT_SECONDS });
      await webhook.is(mode);
      const elsewhere = await rig.namespace();
      await Promise.all(guarded.map((name) => rig.service(name, { labels: GUARDED })));
      const { controller } = await rig.start();
      // So that the first pass decides about all of them together.
      await rig.service('beside');
      await rig.service('elsewhere', { namespace: elsewhere });
      const startMs = performance.now();
      await rig.pools(RANGE);
      await until(async () => expect(ipsOf(await rig.get('elsewhere', elsewhere))).to.have.length(1), 5_000);
      await until(async () => expect(ipsOf(await rig.get('beside'))).to.have.length(1), 20_000);
      const firstMs = performance.now() - startMs;
      // Each of its own was tried once: from then on no one waits for them at all.
      const unwritable = () => metric(controller.metrics.text(), /unwritable_services\{what="status"\} (\d+)/);
      await until(async () => expect(await unwritable()).to.equal(GUARDED_COUNT), 180_000, 250);
      const later: number[] = [];
      for (let index = 0; index < 5; index++) later.push(await timeToAddress(rig, `later-${index}`, rig.shop));
      if (process.env.BERTH_GUARDED_SERVICES)
        console.log(`${mode}: first ${firstMs.toFixed()} ms, later ${later.map((ms) => ms.toFixed())}`);
      expect(Math.max(...later)).to.be.lessThan(5_000);
      await until(async () => {
        const told = (await rig.eventsOf('guarded-0')).map(({ reason }) => reason);
        expect(told).to.deep.equal(['UpdateFailed']);
      }, 60_000);
      await webhook.is('allow');
      await until(
        async () => {
          const all = await rig.all(rig.shop);
          expect(all.filter((service) => ipsOf(service).length === 0)).to.deep.equal([]);
        },
        REPAIR_MS,
        250,
      );
    }).timeout(300_000);
});
