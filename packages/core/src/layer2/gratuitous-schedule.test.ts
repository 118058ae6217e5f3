// SPDX-License-Identifier: Apache-2.0

import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { mac } from '../net/testing.ts';
import { type Corrected, type DueFrame, GratuitousSchedule, MAX_CORRECTED } from './gratuitous-schedule.ts';

function vip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

function neighbor(kind: Corrected['kind'], number: number): Corrected {
  return { kind, mac: mac(number), ip: vip(100 + number) };
}

interface Sent {
  readonly atMs: number;
  readonly vip: string;
  readonly what: string;
}

/** Runs the schedule on a fake clock; returns every frame with its time. */
function frames(schedule: GratuitousSchedule, fromMs: number, untilMs: number): Sent[] {
  const sent: Sent[] = [];
  let nowMs = fromMs;
  while (nowMs <= untilMs) {
    for (const one of schedule.take(nowMs)) sent.push({ atMs: nowMs, vip: String(one.vip), what: nameOf(one) });
    const nextMs = schedule.nextMs(nowMs);
    if (nextMs === undefined) break;
    nowMs = Math.max(nextMs, nowMs + 0.001);
  }
  return sent;
}

function nameOf(one: DueFrame): string {
  return 'form' in one ? one.form : `${one.to.kind} ${one.to.mac}`;
}

/** The rounds: each VIP's first form. */
function run(schedule: GratuitousSchedule, fromMs: number, untilMs: number): Sent[] {
  return frames(schedule, fromMs, untilMs).filter(({ what }) => what === 'request');
}

function noJitter(): number {
  return 0;
}

describe('GratuitousSchedule', () => {
  it('announces at once, twice more within 5 s, then slowly for ever', () => {
    const schedule = new GratuitousSchedule(noJitter, { refreshMs: 60_000 });
    schedule.add(vip(20), 500);
    const times = run(schedule, 500, 200_000).map((row) => row.atMs);
    expect(times).to.deep.equal([500, 1500, 3500, 63_500, 123_500, 183_500]);
  });

  it('refreshes early by at most the jitter', () => {
    const schedule = new GratuitousSchedule(() => 0.999, { burstMs: [0], refreshMs: 60_000, jitter: 0.5 });
    schedule.add(vip(20), 0);
    const times = run(schedule, 0, 61_000).map((row) => row.atMs);
    expect(times[1]).to.be.within(30_000, 30_100);
  });

  it('stops when the VIP is removed', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    schedule.take(0);
    schedule.remove(vip(20));
    expect(schedule.take(10_000)).to.deep.equal([]);
    expect(schedule.nextMs(10_000)).to.equal(undefined);
  });

  it('keeps exactly the VIPs it is told to', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.keep([vip(20), vip(21)], 0);
    schedule.take(0);
    schedule.keep([vip(21), vip(22)], 10);
    const vips = (nowMs: number) => [...new Set(schedule.take(nowMs).map((one) => String(one.vip)))];
    expect(vips(10)).to.deep.equal(['203.0.113.22']);
    expect(vips(2000)).to.have.members(['203.0.113.21', '203.0.113.22']);
  });

  it('does not begin again for a VIP that it announces already', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    schedule.take(0);
    schedule.add(vip(20), 10);
    expect(schedule.take(10)).to.deep.equal([]);
  });

  it('begins again with the burst when it is told to', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    run(schedule, 0, 5000);
    schedule.again(vip(20), 6000);
    expect(schedule.again(vip(21), 6000)).to.equal(false);
    expect(run(schedule, 6000, 11_000).map((row) => row.atMs)).to.deep.equal([6000, 7000, 9000]);
  });

  it('stays within the budget of frames when 2,000 VIPs are taken over', () => {
    const schedule = new GratuitousSchedule(noJitter, { perSecond: 1000, atOnce: 200 });
    for (let number = 0; number < 2000; number++) schedule.add(vip(number), 0);
    for (let number = 0; number < 2000; number++) schedule.correct(vip(number), [neighbor('gateway', 1)]);
    const sent = frames(schedule, 0, 15_000);
    for (let second = 0; second < 15; second++) {
      const inSecond = sent.filter((row) => row.atMs >= second * 1000 && row.atMs < (second + 1) * 1000);
      expect(inSecond.length).to.be.at.most(1000 + (second === 0 ? 200 : 1));
    }
    expect(sent.slice(0, 2000).every(({ what }) => what === 'request')).to.equal(true);
    expect(sent[1999]?.atMs).to.be.at.most(1900);
  });

  it('tells neighbours after the first form, gateways and askers before the second one', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    schedule.correct(vip(20), [neighbor('neighbor', 3), neighbor('asker', 2), neighbor('gateway', 1)]);
    expect(schedule.take(0).map(nameOf)).to.deep.equal([
      'request',
      `gateway ${mac(1)}`,
      `asker ${mac(2)}`,
      'reply',
      `neighbor ${mac(3)}`,
    ]);
  });

  it('tells neighbours that become known between two rounds, and goes on with the rounds', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    schedule.take(0);
    schedule.correct(vip(20), [neighbor('asker', 2)]);
    expect(schedule.nextMs(10)).to.equal(10);
    expect(schedule.take(10).map(nameOf)).to.deep.equal([`asker ${mac(2)}`]);
    expect(run(schedule, 20, 4000).map(({ atMs }) => atMs)).to.deep.equal([1000, 3000]);
  });

  it('tells a bounded number of neighbours, and none twice', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    schedule.correct(
      vip(20),
      Array.from({ length: 100 }, (_, index) => neighbor('neighbor', index)),
    );
    const told = frames(schedule, 0, 10_000).filter(({ what }) => what.startsWith('neighbor'));
    expect(told).to.have.length(MAX_CORRECTED);
    expect(new Set(told.map(({ what }) => what)).size).to.equal(MAX_CORRECTED);
  });

  it('tells nobody of a VIP that is not announced any more', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.correct(vip(20), [neighbor('gateway', 1)]);
    expect(schedule.take(0)).to.deep.equal([]);
  });

  it('keeps two announcements of a VIP a second apart when the budget made the first one late', () => {
    const schedule = new GratuitousSchedule(noJitter, { perSecond: 200, atOnce: 20 });
    for (let number = 0; number < 300; number++) schedule.add(vip(number), 0);
    const last = run(schedule, 0, 12_000).filter((row) => row.vip === String(vip(299)));
    const gapsMs = last.slice(1).map((row, index) => row.atMs - (last[index]?.atMs ?? 0));
    expect(gapsMs).to.have.length.above(1);
    for (const gapMs of gapsMs) expect(gapMs).to.be.at.least(1000);
  });

  it('sends first announcements before repeats', () => {
    const schedule = new GratuitousSchedule(noJitter, { perSecond: 200, atOnce: 20 });
    for (let number = 0; number < 500; number++) schedule.add(vip(number), 0);
    const sent = run(schedule, 0, 8000);
    const firstRepeat = sent.findIndex((row, index) => sent.findIndex((other) => other.vip === row.vip) < index);
    expect(firstRepeat).to.equal(500);
  });
});
