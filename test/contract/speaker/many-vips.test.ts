// SPDX-License-Identifier: Apache-2.0

// 2,000 VIPs on three nodes, and one of them dies: what is answered and announced, as seen on the wire.

import { setTimeout as delay } from 'node:timers/promises';
import { GRATUITOUS_DEFAULTS } from '@berth/core';
import { expect } from 'chai';
import { type Announcement, newestAnswerers, questionsIn } from '../../support/wire-record.ts';
import { monotonicMs, WireWatch } from '../../support/wire-watch.ts';
import { besideLab, PACE, SpeakerLab } from '../support/speaker-lab.ts';
import { until } from '../support/until.ts';

const LAB = besideLab('many');
/** At the pace of the other labs, on nodes without kube-proxy. */
const OPTIONS = [...PACE, '--kube-proxy-health=off'];
const SERVICES = 20;
const VIPS_PER_SERVICE = 100;
/** Rarely: who asks shares the processors with the nodes. */
const ASK_EVERY_MS = 1_000;
const PATIENCE_MS = 120_000;
const SECOND_MS = 1000;

describe('many VIPs', function () {
  this.timeout(300_000);
  let speakers: SpeakerLab;
  let watch: WireWatch;

  // A lab of its own: nodes that other tests cut off come last for a minute, and all three are to have VIPs.
  before(async () => {
    speakers = await SpeakerLab.up(LAB, OPTIONS);
    await speakers.pools();
    await speakers.whole();
    watch = await WireWatch.start({ namespace: speakers.lab.namespaceOf('client') });
  });

  afterEach(function () {
    if (this.currentTest?.state !== 'failed') return;
    for (const { name, log } of speakers.hosts) console.log(name, log.slice(-6_000));
  });

  after(async () => {
    await watch?.stop();
    await speakers.down();
  });

  /** What each VIP is answered by, over a time in which each is asked about a few times; every one by one node. */
  async function settled(vips: readonly string[]): Promise<Map<string, string>> {
    return until(
      async () => {
        await watch.take();
        await delay(2 * ASK_EVERY_MS);
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
    const vips = Array.from({ length: SERVICES * VIPS_PER_SERVICE }, (_, n) => `10.200.${n >> 8}.${n & 255}`);
    for (let first = 0; first < vips.length; first += VIPS_PER_SERVICE)
      await speakers.service(vips.slice(first, first + VIPS_PER_SERVICE), { name: `many-${first}` });
    await watch.ask(vips, ASK_EVERY_MS);
    const before = await settled(vips);
    const loads = speakers.hosts.map(({ mac }) => [...before.values()].filter((one) => one === mac).length);
    // That they are even is for HO-26: a node that was busy while VIPs came has fewer.
    expect(Math.min(...loads), `loads ${loads}`).to.be.above(0);

    const victim = speakers.host('edge-2');
    const { mac } = victim;
    const lost = vips.filter((vip) => before.get(vip) === mac);
    await watch.take();
    const killedMs = monotonicMs();
    victim.cable('down');
    victim.signal('SIGKILL');
    // Taken piece by piece: whoever writes down all that was heard again and again hears the rest late.
    const answered = new Map<string, string[]>();
    const announcements: Announcement[] = [];
    await until(
      async () => {
        const record = await watch.take();
        announcements.push(...record.announcements);
        const late = questionsIn(record, { fromMs: killedMs + SECOND_MS });
        for (const [vip, macs] of newestAnswerers({ ...record, questions: late })) answered.set(vip, macs);
        const missing = vips.filter((vip) => answered.get(vip)?.length !== 1);
        expect(missing.length, 'VIPs without one answer').to.equal(0);
        const told = new Set(announcements.filter((one) => one.mac !== mac).map(({ vip }) => vip));
        expect(lost.filter((vip) => !told.has(vip)).length, 'VIPs that no one announced').to.equal(0);
      },
      PATIENCE_MS,
      ASK_EVERY_MS,
    );
    victim.cable('up');

    const after = await settled(vips);
    const moved = vips.filter((vip) => after.get(vip) !== before.get(vip));
    expect(moved).to.deep.equal(lost);
    expect(new Set(after.values())).to.deep.equal(new Set(speakers.others(victim).map((host) => host.mac)));
    for (const host of speakers.others(victim)) {
      const times = announcements.filter(({ mac: by }) => by === host.mac).map(({ atMs }) => atMs);
      expect(times.filter((atMs, index) => index + 1 > budgetAfter(atMs - killedMs))).to.deep.equal([]);
    }
  });
});

/**
 * How many frames a node may have sent at most, so many milliseconds after its budget was full. Those that are heard
 * late are only fewer.
 */
function budgetAfter(sinceMs: number): number {
  return GRATUITOUS_DEFAULTS.atOnce + (GRATUITOUS_DEFAULTS.perSecond * sinceMs) / SECOND_MS;
}
