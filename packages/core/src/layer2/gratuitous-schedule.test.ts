// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { IpAddress } from '../net/ip-address.ts';
import { GratuitousSchedule } from './gratuitous-schedule.ts';

function vip(number: number): IpAddress {
  return IpAddress.of('IPv4', 0xcb007100n + BigInt(number));
}

/** Runs the schedule on a fake clock; returns the times at which each VIP was announced. */
function run(schedule: GratuitousSchedule, fromMs: number, untilMs: number): { atMs: number; vip: string }[] {
  const sent: { atMs: number; vip: string }[] = [];
  let nowMs = fromMs;
  while (nowMs <= untilMs) {
    for (const one of schedule.take(nowMs)) sent.push({ atMs: nowMs, vip: String(one) });
    const nextMs = schedule.nextMs(nowMs);
    if (nextMs === undefined) break;
    nowMs = Math.max(nextMs, nowMs + 0.001);
  }
  return sent;
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
    expect(schedule.take(10).map(String)).to.deep.equal(['203.0.113.22']);
    expect(schedule.take(2000).map(String)).to.have.members(['203.0.113.21', '203.0.113.22']);
  });

  it('does not begin again for a VIP that it announces already', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    schedule.take(0);
    schedule.add(vip(20), 10);
    expect(schedule.take(10)).to.deep.equal([]);
  });

  it('begins again with the burst on restart', () => {
    const schedule = new GratuitousSchedule(noJitter);
    schedule.add(vip(20), 0);
    run(schedule, 0, 5000);
    schedule.restart(6000);
    expect(run(schedule, 6000, 11_000).map((row) => row.atMs)).to.deep.equal([6000, 7000, 9000]);
  });

  it('stays within the budget when 2,000 VIPs are taken over', () => {
    const schedule = new GratuitousSchedule(noJitter, { perSecond: 250, atOnce: 50 });
    for (let number = 0; number < 2000; number++) schedule.add(vip(number), 0);
    const sent = run(schedule, 0, 20_000);
    for (let second = 0; second < 20; second++) {
      const inSecond = sent.filter((row) => row.atMs >= second * 1000 && row.atMs < (second + 1) * 1000);
      expect(inSecond.length).to.be.at.most(250 + (second === 0 ? 50 : 1));
    }
  });

  it('keeps two announcements of a VIP a second apart when the budget made the first one late', () => {
    const schedule = new GratuitousSchedule(noJitter, { perSecond: 100, atOnce: 10 });
    for (let number = 0; number < 300; number++) schedule.add(vip(number), 0);
    const last = run(schedule, 0, 12_000).filter((row) => row.vip === String(vip(299)));
    const gapsMs = last.slice(1).map((row, index) => row.atMs - (last[index]?.atMs ?? 0));
    expect(gapsMs).to.have.length.above(1);
    for (const gapMs of gapsMs) expect(gapMs).to.be.at.least(1000);
  });

  it('sends first announcements before repeats', () => {
    const schedule = new GratuitousSchedule(noJitter, { perSecond: 100, atOnce: 10 });
    for (let number = 0; number < 500; number++) schedule.add(vip(number), 0);
    const sent = run(schedule, 0, 8000);
    const firstRepeat = sent.findIndex((row, index) => sent.findIndex((other) => other.vip === row.vip) < index);
    expect(firstRepeat).to.equal(500);
  });
});
