// SPDX-License-Identifier: Apache-2.0

// Hundreds of Services at once, and the whole controller on an API server that takes its time.

import { sleep } from '@berth/runtime';
import { expect } from 'chai';
import { FakeCluster, isOfService } from './fake-cluster.ts';

const LAN = { lan: { addresses: ['203.0.113.0/24', '198.51.100.0/24'] } };
const COUNT = 240;
const PATCH_MS = 100;
/** Patches under way at a time. */
const AT_ONCE = 8;
const NAMES = Array.from({ length: COUNT }, (_, index) => `web-${index}`);

describe('a burst of Services', () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = new FakeCluster();
    cluster.api.before = async (call) => {
      if (call.verb === 'patch' && isOfService(call)) await sleep(cluster.clock, PATCH_MS);
    };
    await cluster.start();
  });

  afterEach(() => cluster.stop());

  const patches = () => cluster.api.calls.filter((call) => call.verb === 'patch' && isOfService(call)).length;
  const withoutAddress = () => NAMES.filter((name) => cluster.shown(name) === '');

  it('BU-01: gets its addresses at once when the configuration comes while each Service is marked as without one', async () => {
    for (const name of NAMES) await cluster.add(name);
    await cluster.clock.advance(6_000);
    const before = patches();
    expect(before, 'Services that were marked').to.be.within(AT_ONCE, COUNT / 2);
    await cluster.pools(LAN);
    await cluster.clock.advance(1_000 + (PATCH_MS * COUNT) / AT_ONCE);
    expect(withoutAddress()).to.deep.equal([]);
    // Those whose mark was on its way are patched once more.
    expect(patches() - before).to.be.within(COUNT, COUNT + 2 * AT_ONCE);
    const events = cluster.told().filter((line) => line.startsWith('AllocationFailed'));
    expect(events.length).to.be.at.most(20);
  }).timeout(120_000);
});
