// SPDX-License-Identifier: Apache-2.0

import { MacAddress, unsolicitedAdvertisement } from '@berth/core';
import { ip } from '@berth/core/testing';
import { FakeClock } from '@berth/runtime/testing';
import { expect } from 'chai';
import { Announcer, type Audience } from './announcer.ts';
import type { AnnounceResult } from './answering.ts';

const LAN0 = 4;
const LAN1 = 5;

const MAC = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 1)) ?? MacAddress.ZERO;
const VIP = ip('203.0.113.20');

function setUp(result: (ifindex: number) => AnnounceResult = () => 'sent', audience?: Audience) {
  const clock = new FakeClock();
  const frames: { atMs: number; ifindex: number; operation: number | undefined }[] = [];
  const bytes: Uint8Array[] = [];
  const failed: string[] = [];
  const sent: string[] = [];
  const corrected: string[] = [];
  const announcer = new Announcer({
    sender: {
      announce: (ifindex, frame) => {
        const outcome = result(ifindex);
        bytes.push(frame);
        if (outcome === 'sent') frames.push({ atMs: clock.now(), ifindex, operation: frame[21] });
        return outcome;
      },
    },
    clock,
    random: () => 0,
    ...(audience ? { audience } : {}),
    schedule: { burstMs: [0, 1000, 3000], refreshMs: 60_000 },
  });
  announcer.sent.subscribe((vip, ifindex) => sent.push(`${vip} on ${ifindex}`));
  announcer.corrections.subscribe((vip, ifindex) => corrected.push(`${vip} on ${ifindex}`));
  announcer.failures.subscribe((vip, ifindex, error) =>
    failed.push(`${vip} on ${ifindex}: ${(error as Error).message}`),
  );
  return { clock, frames, failed, sent, announcer, bytes, corrected };
}

describe('Announcer', () => {
  it('sends both forms at once, in the burst and in each refresh', () => {
    const { announcer, clock, frames } = setUp();
    announcer.attach(LAN0, MAC);
    announcer.replace([{ vip: VIP, ifindexes: [LAN0] }]);
    clock.runUntil(70_000);
    expect(frames.map(({ atMs, operation }) => `${atMs}:${operation}`)).to.deep.equal(
      [0, 1000, 3000, 63_000].flatMap((atMs) => [`${atMs}:1`, `${atMs}:2`]),
    );
  });

  it('stops when the VIP is lost', () => {
    const { announcer, clock, frames } = setUp();
    announcer.attach(LAN0, MAC);
    announcer.replace([{ vip: VIP, ifindexes: [LAN0] }]);
    announcer.replace([]);
    clock.runUntil(100_000);
    expect(frames.length).to.equal(2);
  });

  it('announces on an interface that is attached later, and not on one that is detached', () => {
    const { announcer, clock, frames } = setUp();
    announcer.replace([{ vip: VIP, ifindexes: [LAN0, LAN1] }]);
    announcer.attach(LAN0, MAC);
    clock.runUntil(500);
    announcer.attach(LAN1, MAC);
    announcer.detach(LAN0);
    clock.runUntil(2000);
    expect(frames.map(({ ifindex }) => ifindex)).to.deep.equal([LAN0, LAN0, LAN1, LAN1, LAN1, LAN1]);
  });

  it('tells of an interface that fails and goes on with the others', () => {
    const { announcer, failed, sent } = setUp((ifindex) => {
      if (ifindex === LAN1) throw new Error('send: ENETDOWN');
      return 'sent';
    });
    announcer.attach(LAN1, MAC);
    announcer.attach(LAN0, MAC);
    announcer.replace([{ vip: VIP, ifindexes: [LAN1, LAN0] }]);
    expect(failed).to.deep.equal(['203.0.113.20 on 5: send: ENETDOWN']);
    expect(sent).to.deep.equal(['203.0.113.20 on 4']);
  });

  it('does not count what the fence held back', () => {
    const { announcer, sent } = setUp(() => 'fenced');
    announcer.attach(LAN0, MAC);
    announcer.replace([{ vip: VIP, ifindexes: [LAN0] }]);
    expect(sent).to.deep.equal([]);
  });

  it('announces an IPv6 VIP by one unsolicited advertisement each time', () => {
    const { announcer, frames, clock, bytes } = setUp();
    const vip = ip('2001:db8:5::7');
    announcer.attach(LAN0, MAC);
    announcer.replace([{ vip, ifindexes: [LAN0] }]);
    clock.runUntil(3000);
    expect(frames.map(({ atMs }) => atMs)).to.deep.equal([0, 1000, 3000]);
    expect(bytes[0]).to.deep.equal(unsolicitedAdvertisement(vip, MAC));
  });

  describe('with an audience', () => {
    const gateway = { kind: 'gateway' as const, mac: MAC, ip: ip('203.0.113.1') };
    const audience: Audience = { of: async (vips) => new Map(vips.map((vip) => [String(vip), [gateway]])) };

    it('tells it of each VIP once, besides the broadcasts', async () => {
      const { announcer, clock, frames, corrected } = setUp(undefined, audience);
      announcer.attach(LAN0, MAC);
      announcer.replace([{ vip: VIP, ifindexes: [LAN0] }]);
      await Promise.resolve();
      await Promise.resolve();
      clock.runUntil(70_000);
      expect(corrected).to.deep.equal(['203.0.113.20 on 4']);
      expect(frames).to.have.length(2 * 4 + 1);
    });

    it('tells it again when the burst begins again', async () => {
      const { announcer, clock, corrected } = setUp(undefined, audience);
      announcer.attach(LAN0, MAC);
      announcer.replace([{ vip: VIP, ifindexes: [LAN0] }]);
      for (let turn = 0; turn < 2; turn++) {
        announcer.again(VIP, LAN0);
        clock.runUntil(10 * (turn + 1));
        await Promise.resolve();
        await Promise.resolve();
      }
      expect(corrected.length).to.be.within(2, 3);
    });
  });

  it('begins again with the burst of a VIP, once for many calls of one turn', () => {
    const { announcer, clock, frames } = setUp();
    announcer.attach(LAN0, MAC);
    announcer.replace([{ vip: VIP, ifindexes: [LAN0] }]);
    clock.runUntil(10_000);
    const before = frames.length;
    for (let call = 0; call < 100; call++) announcer.again(VIP, LAN0);
    announcer.again(ip('203.0.113.21'), LAN0);
    clock.runUntil(10_500);
    expect(frames.length - before).to.equal(2);
    clock.runUntil(20_000);
    expect(frames.length - before).to.equal(6);
  });
});
