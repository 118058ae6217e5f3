// SPDX-License-Identifier: Apache-2.0
/**
 * The clock of the fence. No test can put a machine to sleep; one clock of a process can be set apart from the
 * kernel's, and the others not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { eachEngine } from '../support/each-engine.ts';
import { WireLan } from '../support/wire-lan.ts';

const VIP = '203.0.113.20';
const AHEAD_SECONDS = 3600;

eachEngine('the clock of the fence', (engine) => {
  // The thread reads the same clock as who sets its fence.
  if (engine === 'packet-socket') return;

  it('AT-14: is CLOCK_BOOTTIME, which goes on while the machine sleeps, on both sides', async () => {
    const owner = { boottimeAhead: AHEAD_SECONDS };
    const lan = await WireLan.up({ client: { addresses: ['203.0.113.99/24'] }, owner }, engine);
    try {
      const host = lan.host('owner');
      await host.call('answerOn', 'lan0');
      await host.call('replace', [VIP, 'lan0']);
      await host.call('openFence', 100);
      await delay(500);
      // By the kernel's clock the fence holds for another hour; by any other clock it ran out.
      const asked = ['arping', '-f', '-w', '1', '-I', 'lan0', VIP];
      expect((await lan.host('client').attempt(...asked)).code).to.equal(0);
    } finally {
      await lan.down();
    }
  });
});
