// SPDX-License-Identifier: Apache-2.0

// 2,000 VIPs on three nodes, and one of them dies: what is answered and announced, as seen on the wire.

import { setTimeout as delay } from 'node:timers/promises';
import { GRATUITOUS_DEFAULTS } from '@berth/core';
import { expect } from 'chai';
import { type Answer, newestAnswerers, questionsIn, type WireRecord } from '../../support/wire-record.ts';
import { monotonicMs, WireWatch } from '../../support/wire-watch.ts';
import { useSpeakers } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';

const SERVICES = 20;
const VIPS_PER_SERVICE = 100;
const ASK_EVERY_MS = 250;
const PATIENCE_MS = 120_000;
const SECOND_MS = 1000;

describe('many VIPs', function () {
  this.timeout(300_000);
  const use = useSpeakers();
  let watch: WireWatch;

  before(async () => {
    watch = await WireWatch.start({ namespace: use.speakers.lab.namespaceOf('client') });
  });

  after(() => watch.stop());

  /** What each VIP is answered by, over a time in which each is asked about a few times; every one by one node. */
  async function settled(vips: readonly string[]): Promise<Map<string, string>> {
    return until(
      async () => {
        await watch.take();
        await delay(4 * ASK_EVERY_MS);
        const macs = newestAnswerers(await watch.take());
        const single = vips.filter((vip) => macs.get(vip)?.length === 1);
        expect(single.length, 'VIPs with one answer').to.equal(vips.length);
        return new Map(single.map((vip) => [vip, macs.get(vip)?.[0] ?? '']));
      },
      PATIENCE_MS,
      SECOND_MS,
    );
  }

  it('HO-27: of 2,000 VIPs those of a node that dies are answered by others, and no other moves', async () => {
    const { speakers } = use;
    const vips = Array.from({ length: SERVICES * VIPS_PER_SERVICE }, (_, n) => `10.200.${n >> 8}.${n & 255}`);
    for (let first = 0; first < vips.length; first += VIPS_PER_SERVICE)
      await speakers.service(vips.slice(first, first + VIPS_PER_SERVICE), { name: `many-${first}` });
    await watch.ask(vips, ASK_EVERY_MS);
    const before = await settled(vips);
    const loads = speakers.hosts.map(({ mac }) => [...before.values()].filter((one) => one === mac).length);
    for (const load of loads) expect(load, `loads ${loads}`).to.be.closeTo(vips.length / speakers.hosts.length, 1);

    const victim = speakers.host('edge-2');
    const { mac } = victim;
    await watch.take();
    const killedMs = monotonicMs();
    victim.cable('down');
    victim.signal('SIGKILL');
    const record = await until(async () => {
      const seen = await watch.look();
      const answered = newestAnswerers({ ...seen, questions: questionsIn(seen, { fromMs: killedMs + SECOND_MS }) });
      const missing = vips.filter((vip) => answered.get(vip)?.length !== 1);
      expect(missing.length, 'VIPs without one answer').to.equal(0);
      return seen;
    }, PATIENCE_MS);
    victim.cable('up');

    const after = await settled(vips);
    const moved = vips.filter((vip) => after.get(vip) !== before.get(vip));
    expect(moved).to.deep.equal(vips.filter((vip) => before.get(vip) === mac));
    expect(new Set(after.values())).to.deep.equal(new Set(speakers.others(victim).map((host) => host.mac)));
    for (const host of speakers.others(victim))
      expect(mostInASecond(record, host.mac)).to.be.at.most(GRATUITOUS_DEFAULTS.perSecond + GRATUITOUS_DEFAULTS.atOnce);
  });
});

/** The most frames in which one node announced within any second. */
function mostInASecond({ announcements }: WireRecord, mac: string): number {
  const sent: Answer[] = announcements.filter((one) => one.mac === mac);
  let most = 0;
  let first = 0;
  for (const [last, { atMs }] of sent.entries()) {
    while ((sent[first]?.atMs ?? atMs) <= atMs - SECOND_MS) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
