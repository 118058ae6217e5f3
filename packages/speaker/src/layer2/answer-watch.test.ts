// SPDX-License-Identifier: Apache-2.0

import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { ip, mac } from '../testing.ts';
import { AnswerWatch, answersForVips } from './answer-watch.ts';
import type { Segment } from './segments.ts';

const LAN0: Segment = { ifindex: 4, ifname: 'lan0', mac: mac(4), families: ['IPv4'] };

describe('AnswerWatch', () => {
  let clock: FakeClock;
  let told: string[];
  let state: { lost: boolean; canHoldBack: boolean; wouldAnswer: boolean; checks: number; quiet: number[] };
  let news: ((ifindex: number) => void) | undefined;
  let watch: AnswerWatch;

  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    state = { lost: false, canHoldBack: true, wouldAnswer: true, checks: 0, quiet: [] };
    watch = new AnswerWatch({
      clock,
      wire: {
        segments: [LAN0],
        check: () => {
          state.checks += 1;
          return state.lost;
        },
      },
      answerer: {
        keepQuiet: (milliseconds) => state.quiet.push(milliseconds),
        canHoldBack: () => state.canHoldBack,
      },
      listen: (onNews) => {
        news = onNews;
        return () => {
          news = undefined;
        };
      },
      wouldAnswer: () => state.wouldAnswer,
    });
    watch.changes.subscribe(() => told.push('changed'));
    watch.leaks.subscribe(({ ifname }, leak) => told.push(`${ifname} ${leak}`));
    watch.start();
  });

  afterEach(() => watch.stop());

  it('AT-03: looks every two seconds, and says when a segment is lost', async () => {
    await clock.advance(6_000);
    expect(state.checks).to.equal(4);
    expect(told).to.deep.equal([]);
    state.lost = true;
    await clock.advance(2_000);
    expect(told).to.deep.equal(['changed']);
  });

  it('AT-03: looks at once on news of an interface of its own, and together at several', async () => {
    news?.(9);
    await clock.advance(100);
    expect(state.checks).to.equal(1);
    for (let count = 0; count < 5; count++) news?.(4);
    await clock.advance(100);
    expect(state.checks).to.equal(2);
  });

  it('AT-07: renews again and again that VIPs of others are held back, for a minute each time', async () => {
    await clock.advance(4_000);
    expect(state.quiet).to.deep.equal([60_000, 60_000, 60_000]);
  });

  it('AT-07: says where the kernel answers for others and a thread cannot hold it back, once, and when that ends', async () => {
    await clock.advance(2_000);
    expect(told).to.deep.equal([]);
    state.canHoldBack = false;
    await clock.advance(4_000);
    expect(told).to.deep.equal(['lan0 began', 'changed']);
    expect(watch.isLeaking(4)).to.equal(true);
    state.wouldAnswer = false;
    await clock.advance(2_000);
    expect(told.slice(2)).to.deep.equal(['lan0 ended', 'changed']);
    expect(watch.isLeaking(4)).to.equal(false);
  });
});

describe('answersForVips', () => {
  const addresses = ['203.0.113.1', '203.0.113.20', '2001:db8:5::20'].map(ip);
  for (const { name, vips, arpIgnore, expected } of [
    { name: 'a VIP that the node has as an address', vips: ['203.0.113.20'], arpIgnore: 0, expected: true },
    { name: 'no VIP that it has not', vips: ['203.0.113.21'], arpIgnore: 0, expected: false },
    {
      name: 'none when it was told to mind the interface (strictARP)',
      vips: ['203.0.113.20'],
      arpIgnore: 1,
      expected: false,
    },
    {
      name: 'no IPv6 VIP: a solicitation must come to the interface itself',
      vips: ['2001:db8:5::20'],
      arpIgnore: 0,
      expected: false,
    },
  ])
    it(name, () => expect(answersForVips({ addresses, vips: vips.map(ip), arpIgnore })).to.equal(expected));
});
